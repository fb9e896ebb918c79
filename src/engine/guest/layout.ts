/** Where the engine's own pages lie in a guest's memory: between the boot information and the network ring. */
import { NET_RING_ADDRESS } from "../../abi/hvt-ring.ts";
import { guestAddress } from "../../memory/address.ts";

/** Handlers for exceptions that the guest does not take itself: descriptors and code, which it may read and execute. */
export const HANDLERS_ADDRESS = guestAddress(0x18000);
/** The stack of those handlers, which is written by the processor. */
export const HANDLER_STACK_ADDRESS = guestAddress(0x19000);
/** Page tables, which are not mapped. */
export const TABLES_ADDRESS = guestAddress(0x20000);
export const TABLES_BYTES = NET_RING_ADDRESS - TABLES_ADDRESS;
