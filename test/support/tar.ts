import { Buffer } from "node:buffer";

/** One entry of a tar made for a test, byte for byte as stated: nothing is checked or put right. */
export interface TarEntrySpec {
  readonly name: string | Buffer;
  /** Type flag; "0" (file) without it, "5" for a name that ends in a slash. */
  readonly flag?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly data?: string | Buffer;
  /** Size field, if not the length of `data`. */
  readonly size?: number;
  readonly link?: string | Buffer;
  readonly major?: number;
  readonly minor?: number;
  readonly magic?: string;
  readonly prefix?: string;
  /** Records of an `x` header before the entry. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
  /** Changes the finished header; the checksum is computed after it. */
  patch?(header: Buffer): void;
}

const time = 1_700_000_000;

export function tar(...entries: readonly (TarEntrySpec | Buffer)[]): Buffer {
  return Buffer.concat([...entries.map((e) => (Buffer.isBuffer(e) ? e : tarEntry(e))), Buffer.alloc(1024)]);
}

export function tarEntry(spec: TarEntrySpec): Buffer {
  const name = Buffer.from(spec.name as string);
  const link = Buffer.from((spec.link ?? "") as string);
  const long = [
    name.length > 100 ? longHeader("L", name) : empty,
    link.length > 100 ? longHeader("K", link) : empty,
  ];
  const pax = spec.pax === undefined ? empty : paxHeader("x", spec.pax);
  const data = Buffer.from((spec.data ?? "") as string);
  return Buffer.concat([...long, pax, header({ ...spec, name, link }), padded(data)]);
}

const empty = Buffer.alloc(0);

/** A pax header for the next entry (`x`) or for all that follow (`g`). */
export function paxHeader(flag: "x" | "g", records: Readonly<Record<string, string | Buffer>>): Buffer {
  const body = Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, value)));
  return rawMeta(flag, body);
}

export function rawMeta(flag: string, body: Buffer): Buffer {
  return Buffer.concat([header({ name: "meta", flag, data: body }), padded(body)]);
}

function longHeader(flag: "L" | "K", text: Buffer): Buffer {
  return rawMeta(flag, Buffer.concat([text, Buffer.alloc(1)]));
}

function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length++;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function header(spec: TarEntrySpec): Buffer {
  const block = Buffer.alloc(512);
  const name = Buffer.from(spec.name as string);
  const data = Buffer.from((spec.data ?? "") as string);
  const isDirectory = name.at(-1) === 0x2f;
  name.copy(block, 0, 0, 100);
  octal(block, spec.mode ?? (isDirectory ? 0o755 : 0o644), 100);
  octal(block, spec.uid ?? 0, 108);
  octal(block, spec.gid ?? 0, 116);
  block.write((spec.size ?? data.length).toString(8).padStart(11, "0"), 124);
  block.write((spec.mtime ?? time).toString(8).padStart(11, "0"), 136);
  block.write(spec.flag ?? (isDirectory ? "5" : "0"), 156, "latin1");
  Buffer.from((spec.link ?? "") as string).copy(block, 157, 0, 100);
  block.write(spec.magic ?? "ustar\u000000", 257, "latin1");
  octal(block, spec.major ?? 0, 329);
  octal(block, spec.minor ?? 0, 337);
  block.write(spec.prefix ?? "", 345);
  spec.patch?.(block);
  setChecksum(block);
  return block;
}

function octal(block: Buffer, value: number, at: number): void {
  block.write(value.toString(8).padStart(7, "0"), at);
}

function setChecksum(block: Buffer): void {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}
