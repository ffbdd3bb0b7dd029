/** /etc/passwd and /etc/group as text from an image: hostile, often sloppy. Lines that do not parse are skipped. */

export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The kernel's ids are 32 bit, but runtimes agree on int32 (moby/sys user `maxID`). */
export const maxId = 2 ** 31 - 1;

/** The number, or undefined unless `text` is plain decimal digits of at most {@link maxId}. */
export function parseId(text: string): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= maxId ? id : undefined;
}

export function parsePasswd(text: string): PasswdEntry[] {
  return fieldsOf(text).flatMap(([name = "", , uidText = "", gidText = "", , home = ""]) => {
    const uid = parseId(uidText);
    const gid = parseId(gidText);
    return isName(name) && uid !== undefined && gid !== undefined ? [{ name, uid, gid, home }] : [];
  });
}

export function parseGroup(text: string): GroupEntry[] {
  return fieldsOf(text).flatMap(([name = "", , gidText = "", list = ""]) => {
    const gid = parseId(gidText);
    const members = list.split(",").filter((member) => member !== "");
    return isName(name) && gid !== undefined ? [{ name, gid, members }] : [];
  });
}

function fieldsOf(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.includes(":"))
    .map((line) => line.trim().split(":"));
}

/** `+` and `-` start NIS lines, `#` comments. */
function isName(name: string): boolean {
  return name !== "" && !/^[+#-]/.test(name);
}
