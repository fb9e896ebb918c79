import { useLaterWebAssembly } from "../../../src/host/webassembly.ts";
import { testPart } from "./part.ts";

// As skiff run does; the other part is as in a user's own process.
useLaterWebAssembly();
testPart(0, "--later ");
