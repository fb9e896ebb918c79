import { addressIn, type BlockAttachment, type NetAttachment, TIMER_EVENT_DATA } from "../../../abi/spt.ts";
import type { Architecture } from "../../../format/image.ts";
import type { Label } from "../assembler/assembler.ts";
import type { StartEmitter } from "./emitter.ts";

// Linux include/uapi: fcntl.h, eventpoll.h, if.h, if_tun.h, sockios.h.
const SEEK_END = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const O_RDWR = 2;
const O_APPEND = 0x400;
const O_ACCMODE = 3;
const O_NONBLOCK = 0x800;
const TUNGETIFF = 0x8004_54d2;
const SIOCGIFMTU = 0x8921;
const IFREQ_UNION_OFFSET = 16;
const IFF_TAP_NO_PI = 0x1002;
const IFF_TUN_TAP_NO_PI_VNET_HDR = 0x5003;
const PACKET_INFORMATION_BYTES = 4;
const ETHERNET_HEADER_BYTES = 14;
const EFAULT = 14;
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0x8_0002;
const CLOCK_MONOTONIC = 1;
const TFD_NONBLOCK = 0x800;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
const STDERR = 2;
const DESCRIPTOR_LAST = 0xffff_ffff;

export function checkBlock(start: StartEmitter, { name, descriptor, capacityBytes }: BlockAttachment): void {
  const device = `block device '${name}' (descriptor ${descriptor})`;
  start.call("lseek", descriptor, 0, SEEK_END);
  start.code.copy("arg0", "result");
  start.refuseUnlessEqual("arg0", capacityBytes, `${device} must be open and hold ${capacityBytes} bytes, as at build`);
  start.call("fcntl", descriptor, F_GETFL);
  start.code.copy("arg0", "result");
  start.code.set("scratch0", O_ACCMODE | O_APPEND);
  start.code.and("arg0", "scratch0");
  start.refuseUnlessEqual("arg0", O_RDWR, `${device} must be open for reading and writing, not appending`);
}

export function prepareNets(start: StartEmitter): void {
  const { net } = start.program;
  if (net.length === 0) return;
  start.call("socket", AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  start.refuseIfNegative("no socket can be made to read a tap's MTU: raise the limit of open files");
  start.code.copy("keep0", "result");
  for (const device of net) prepareNet(start, device);
  start.call("close", "keep0");
}

/** Verifies that the descriptor is a tap, reads its MTU by the socket in `keep0`, and draws a MAC. */
function prepareNet(start: StartEmitter, { name, descriptor, index, mac }: NetAttachment): void {
  const code = start.code;
  const device = `net device '${name}' (descriptor ${descriptor})`;
  start.call("ioctl", descriptor, TUNGETIFF, "keep2");
  const notTap = start.refuseIfNegative(`${device} must be an open tap without packet information`);
  code.load("arg0", "keep2", IFREQ_UNION_OFFSET, 2);
  code.set("scratch0", IFF_TUN_TAP_NO_PI_VNET_HDR);
  code.and("arg0", "scratch0");
  code.set("scratch0", IFF_TAP_NO_PI);
  code.compare("arg0", "scratch0");
  code.branch("notEqual", notTap);
  checkPacketInformation(start, descriptor, notTap);
  start.call("ioctl", "keep0", SIOCGIFMTU, "keep2");
  start.refuseIfNegative(`${device} is a tap of another network namespace, its MTU cannot be read`);
  code.load("arg0", "keep2", IFREQ_UNION_OFFSET, 2);
  code.set("arg1", addressIn.mtu(index));
  code.store("arg0", "arg1", 0, 2);
  start.call("fcntl", descriptor, F_SETFL, O_NONBLOCK);
  start.refuseIfNegative(`${device} cannot be set to non-blocking`);
  if (mac === undefined) drawMac(start, addressIn.mac(index));
}

/**
 * Packet information cannot be asked for: where it is off, TUNGETIFF sets a bit that IFF_NOFILTER sets too (Linux
 * include/uapi/linux/if_tun.h). So the tap is given the bytes of the shortest frame, of which it can read four alone:
 * as packet information they leave too short a frame (EINVAL), as a frame they are an address outside memory (EFAULT;
 * drivers/net/tun.c, `tun_get_user`). No frame comes of either.
 */
function checkPacketInformation(start: StartEmitter, descriptor: number, notTap: Label): void {
  const { address, bytes } = start.program.lowMemory;
  start.call("write", descriptor, address + bytes - PACKET_INFORMATION_BYTES, ETHERNET_HEADER_BYTES);
  start.code.copy("arg0", "result");
  start.code.set("scratch0", -EFAULT);
  start.code.compare("arg0", "scratch0");
  start.code.branch("notEqual", notTap);
}

/** Six random bytes, of which the first is made that of a locally administered unicast address (IEEE 802, 8.2). */
function drawMac(start: StartEmitter, address: number): void {
  const code = start.code;
  start.call("getrandom", address, 6, 0);
  code.copy("arg0", "result");
  start.refuseUnlessEqual("arg0", 6, "no MAC address can be drawn: getrandom failed");
  code.set("arg1", address);
  code.load("arg0", "arg1", 0, 1);
  code.set("scratch0", 0xfc);
  code.and("arg0", "scratch0");
  code.addConstant("arg0", 2);
  code.store("arg0", "arg1", 0, 1);
}

export function makeEpollSet(start: StartEmitter): void {
  const { epollDescriptor, timerDescriptor, net } = start.program;
  start.call("epoll_create1", 0);
  moveDescriptor(start, epollDescriptor, "the epoll set cannot be made: raise the limit of open files");
  start.call("timerfd_create", CLOCK_MONOTONIC, TFD_NONBLOCK);
  moveDescriptor(start, timerDescriptor, "the timer cannot be made: raise the limit of open files");
  addToEpollSet(start, timerDescriptor, TIMER_EVENT_DATA);
  for (const device of net) addToEpollSet(start, device.descriptor, BigInt(device.index));
}

/** Moves the descriptor in `result` to the number that the filter knows. */
function moveDescriptor(start: StartEmitter, to: number, message: string): void {
  const code = start.code;
  code.copy("keep3", "result");
  const inPlace = code.label("in place");
  code.set("scratch0", 0);
  code.compare("keep3", "scratch0");
  const refusal = start.refuseIf("signedLess", message);
  code.set("scratch0", to);
  code.compare("keep3", "scratch0");
  code.branch("equal", inPlace);
  start.call("dup3", "keep3", to, 0);
  start.branchIfNegative(refusal);
  start.call("close", "keep3");
  code.place(inPlace);
}

function addToEpollSet(start: StartEmitter, descriptor: number, data: bigint): void {
  const event = start.dataLabel("epoll event", epollEvent(start.program.architecture, data));
  start.call("epoll_ctl", start.program.epollDescriptor, EPOLL_CTL_ADD, descriptor, event);
  start.refuseIfNegative(`descriptor ${descriptor} cannot be waited for`);
}

/** Kernels before 5.9 lack `close_range`; what stays open there is still out of the filter's reach. */
export function closeOtherDescriptors(start: StartEmitter): void {
  const { block, net, epollDescriptor, timerDescriptor } = start.program;
  const kept = [...block, ...net].map((device) => device.descriptor);
  kept.push(epollDescriptor, timerDescriptor);
  let from = STDERR + 1;
  for (const descriptor of kept.sort((a, b) => a - b)) {
    if (descriptor > from) start.call("close_range", from, descriptor - 1, 0);
    from = Math.max(from, descriptor + 1);
  }
  start.call("close_range", from, DESCRIPTOR_LAST, 0);
}

/** `struct epoll_event` is packed on x86-64 alone (Linux include/uapi/linux/eventpoll.h). */
function epollEvent(architecture: Architecture, data: bigint): Uint8Array {
  const packed = architecture === "x86-64";
  const bytes = new Uint8Array(packed ? 12 : 16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, EPOLLIN, true);
  view.setBigUint64(packed ? 4 : 8, data, true);
  return bytes;
}
