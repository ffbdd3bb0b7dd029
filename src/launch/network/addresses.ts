/** IPv4 addresses as numbers, and networks of them. */

export interface Subnet {
  /** The first address, the network's own. */
  readonly base: number;
  readonly prefix: number;
}

export function parseIPv4(text: string): number {
  return text.split(".").reduce((value, part) => value * 256 + Number(part), 0);
}

export function formatIPv4(address: number): string {
  return [24, 16, 8, 0].map((bits) => (address >>> bits) & 255).join(".");
}

export function formatSubnet({ base, prefix }: Subnet): string {
  return `${formatIPv4(base)}/${prefix}`;
}

export function sizeOf({ prefix }: Subnet): number {
  return 2 ** (32 - prefix);
}

/** The first usable address: the bridge's. */
export function gatewayOf({ base }: Subnet): string {
  return formatIPv4(base + 1);
}

export function contains(subnet: Subnet, address: number): boolean {
  return address >= subnet.base && address < subnet.base + sizeOf(subnet);
}

export function overlap(one: Subnet, other: Subnet): boolean {
  return contains(one, other.base) || contains(other, one.base);
}

/** Of an address: with a number that belongs to it alone, what neighbours remember of it stays right. */
export function macOf(address: string): string {
  const bytes = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  // 02: chosen by software, for one interface.
  return ["02", "50", ...bytes].join(":");
}
