/** What a device program is asked (linux/bpf.h, struct bpf_cgroup_dev_ctx). */
export interface DeviceAccess {
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  /** Letters of `rwm`. */
  readonly access: string;
}

function contextOf({ type, major, minor, access }: DeviceAccess): DataView {
  const bits = Object.entries({ m: 1, r: 2, w: 4 });
  const wanted = bits.reduce((all, [letter, bit]) => (access.includes(letter) ? all | bit : all), 0);
  const data = new DataView(new ArrayBuffer(12));
  data.setUint32(0, (wanted << 16) | (type === "b" ? 1 : 2), true);
  data.setUint32(4, major, true);
  data.setUint32(8, minor, true);
  return data;
}

/** Runs a device filter as the kernel would; jumps that lead out of it, and unknown instructions, are errors. */
export function allows(program: Uint8Array, asked: DeviceAccess): boolean {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const context = contextOf(asked);
  const registers = Array.from({ length: 10 }, () => 0);
  for (let at = 0; ; at++) {
    if (8 * at >= program.length) throw new Error(`runs off the end at ${at}`);
    const names = code.getUint8(8 * at + 1);
    const [dst, src] = [names & 15, names >> 4];
    const offset = code.getInt16(8 * at + 2, true);
    const value = code.getInt32(8 * at + 4, true);
    const [left = 0, right = 0] = [registers[dst], registers[src]];
    switch (code.getUint8(8 * at)) {
      case 0x61:
        registers[dst] = context.getUint32(offset, true);
        break;
      case 0x54:
        registers[dst] = (left & value) >>> 0;
        break;
      case 0x74:
        registers[dst] = left >>> value;
        break;
      case 0xb7:
        registers[dst] = value;
        break;
      case 0xbf:
        registers[dst] = right;
        break;
      case 0x15:
        at += left === value ? offset : 0;
        break;
      case 0x55:
        at += left === value ? 0 : offset;
        break;
      case 0x5d:
        at += left === right ? 0 : offset;
        break;
      case 0x95:
        return registers[0] === 1;
      default:
        throw new Error(`unknown instruction at ${at}`);
    }
  }
}
