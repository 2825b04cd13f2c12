import type { Listener } from "../host/connection.ts";

/** Cuts a stream into frames, each after its length (u32, little-endian). Holds at most one frame that may come. */
export function frameReader(listener: Listener, open: () => boolean): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let held = 0;
  return (chunk) => {
    let rest = chunk;
    if (held > 0) {
      parts.push(chunk);
      held += chunk.length;
      // A long frame comes in many chunks, which are put together once.
      if (held < wanted(parts)) return;
      rest = Buffer.concat(parts);
      parts = [];
      held = 0;
    }
    while (open() && rest.length >= 4) {
      const length = rest.readUInt32LE(0);
      if (length > listener.longest()) return listener.broke(`a frame of ${length} bytes was announced`);
      if (rest.length < 4 + length) break;
      listener.frame(rest.subarray(4, 4 + length));
      rest = rest.subarray(4 + length);
    }
    if (!open() || rest.length === 0) return;
    parts = [rest];
    held = rest.length;
  };
}

/** How much must be there for the first frame to be whole, or for its length to be known. */
const wanted = ([first]: readonly Buffer[]): number => (first.length >= 4 ? 4 + first.readUInt32LE(0) : 4);
