/** What the kernel is given for each system call (linux/seccomp.h, struct seccomp_data). */
export interface SystemCall {
  /** AUDIT_ARCH_*. */
  readonly arch: number;
  readonly number: number;
  readonly args?: readonly bigint[];
}

export const auditArch = { x86_64: 0xc000003e, i386: 0x40000003, aarch64: 0xc00000b7, arm: 0x40000028 };

function dataOf({ arch, number, args = [] }: SystemCall): DataView {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, arch, true);
  args.forEach((arg, index) => {
    data.setBigUint64(16 + 8 * index, BigInt.asUintN(64, arg), true);
  });
  return data;
}

/** Runs a classic BPF program as the kernel would, and checks what the kernel checks: jumps go forward, to code. */
export function runFilter(program: Uint8Array, call: SystemCall): number {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = dataOf(call);
  let accumulator = 0;
  for (let at = 0; ; at++) {
    if (8 * at >= program.length) throw new Error(`runs off the end at ${at}`);
    const [jt, jf] = [code.getUint8(8 * at + 2), code.getUint8(8 * at + 3)];
    const k = code.getUint32(8 * at + 4, true);
    switch (code.getUint16(8 * at, true)) {
      case 0x20:
        accumulator = data.getUint32(k, true);
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x05:
        at += k;
        break;
      case 0x15:
        at += accumulator === k ? jt : jf;
        break;
      case 0x25:
        at += accumulator > k ? jt : jf;
        break;
      case 0x35:
        at += accumulator >= k ? jt : jf;
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`unknown instruction at ${at}`);
    }
  }
}

/** A filter's answer in words: `allow`, `errno 1`, `kill process`, … */
export function verdict(value: number): string {
  const names: Readonly<Record<number, string>> = {
    0x0000: "kill thread",
    0x8000: "kill process",
    0x0003: "trap",
    0x0005: "errno",
    0x7ff0: "trace",
    0x7ffc: "log",
    0x7fff: "allow",
  };
  const name = names[value >>> 16] ?? `0x${value.toString(16)}`;
  return name === "errno" || name === "trace" ? `${name} ${value & 0xffff}` : name;
}
