/** Extended BPF (linux/bpf.h, Documentation/bpf/standardization/instruction-set.rst), as far as a device filter needs it. */

export interface EbpfInstruction {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  /** Bytes from a pointer, or instructions to skip. */
  readonly offset: number;
  readonly immediate: number;
}

const code = {
  /** BPF_LDX | BPF_MEM | BPF_W */
  loadWord: 0x61,
  /** BPF_ALU | BPF_K: of the lower 32 bits, the upper ones become 0 */
  and: 0x54,
  shiftRight: 0x74,
  /** BPF_ALU64 | BPF_K, BPF_X */
  moveValue: 0xb7,
  move: 0xbf,
  /** BPF_JMP | BPF_K, BPF_X */
  jumpIfEqual: 0x15,
  jumpUnlessEqual: 0x55,
  jumpUnlessSame: 0x5d,
  exit: 0x95,
} as const;

type Fields = Partial<Omit<EbpfInstruction, "code">>;

function instruction(name: keyof typeof code, fields: Fields): EbpfInstruction {
  return { code: code[name], dst: 0, src: 0, offset: 0, immediate: 0, ...fields };
}

/** Register `dst` becomes the word at `offset` of what `src` points to. */
export const loadWord = (dst: number, src: number, offset: number): EbpfInstruction =>
  instruction("loadWord", { dst, src, offset });
export const and = (dst: number, immediate: number): EbpfInstruction =>
  instruction("and", { dst, immediate });
export const shiftRight = (dst: number, immediate: number): EbpfInstruction =>
  instruction("shiftRight", { dst, immediate });
export const moveValue = (dst: number, immediate: number): EbpfInstruction =>
  instruction("moveValue", { dst, immediate });
export const move = (dst: number, src: number): EbpfInstruction => instruction("move", { dst, src });
export const exit: EbpfInstruction = instruction("exit", {});

/** Skips `offset` instructions. */
export const jumpIfEqual = (dst: number, immediate: number, offset: number): EbpfInstruction =>
  instruction("jumpIfEqual", { dst, immediate, offset });
export const jumpUnlessEqual = (dst: number, immediate: number, offset: number): EbpfInstruction =>
  instruction("jumpUnlessEqual", { dst, immediate, offset });
export const jumpUnlessSame = (dst: number, src: number, offset: number): EbpfInstruction =>
  instruction("jumpUnlessSame", { dst, src, offset });

/** `struct bpf_insn[]`, little endian. */
export function encodeEbpf(program: readonly EbpfInstruction[]): Uint8Array {
  const bytes = Buffer.alloc(8 * program.length);
  program.forEach((one, index) => {
    bytes.writeUInt8(one.code, 8 * index);
    bytes.writeUInt8((one.src << 4) | one.dst, 8 * index + 1);
    bytes.writeInt16LE(one.offset, 8 * index + 2);
    bytes.writeInt32LE(one.immediate, 8 * index + 4);
  });
  return bytes;
}
