/** Classic BPF as seccomp runs it (linux/filter.h, seccomp(2)): a pure function of `struct seccomp_data`. */

export interface Instruction {
  readonly code: number;
  /** How many instructions to skip if the comparison holds, and if not: at most 255. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

const code = {
  load: 0x20,
  and: 0x54,
  jump: 0x05,
  equal: 0x15,
  greater: 0x25,
  greaterOrEqual: 0x35,
  ret: 0x06,
};

export type Comparison = "equal" | "greater" | "greaterOrEqual";

/** The word at a byte offset of `struct seccomp_data`. */
export function load(offset: number): Instruction {
  return { code: code.load, jt: 0, jf: 0, k: offset };
}

export function and(mask: number): Instruction {
  return { code: code.and, jt: 0, jf: 0, k: mask };
}

export function ret(value: number): Instruction {
  return { code: code.ret, jt: 0, jf: 0, k: value };
}

export function jump(skip: number): Instruction {
  return { code: code.jump, jt: 0, jf: 0, k: skip };
}

export function compare(op: Comparison, k: number, [jt, jf]: readonly [number, number]): Instruction {
  return { code: code[op], jt, jf, k };
}

/** `struct sock_filter[]`, little endian. */
export function encodeProgram(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(8 * program.length);
  program.forEach((instruction, index) => {
    bytes.writeUInt16LE(instruction.code, 8 * index);
    bytes.writeUInt8(instruction.jt, 8 * index + 2);
    bytes.writeUInt8(instruction.jf, 8 * index + 3);
    bytes.writeUInt32LE(instruction.k, 8 * index + 4);
  });
  return bytes;
}
