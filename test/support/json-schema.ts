/** A JSON schema in files that refer to each other, and the one to begin with. */
export interface SchemaSource {
  readonly file: string;
  load(file: string): unknown;
}

type Json = Readonly<Record<string, unknown>>;

interface Place extends SchemaSource {
  /** Where in the document we are. */
  readonly at: string;
}

/** What is wrong with a document by the draft-4 keywords that OCI's schemas use; nothing if it is valid. */
export function validate(document: unknown, source: SchemaSource): string[] {
  return check(document, source.load(source.file) as Json, { ...source, at: "" });
}

function check(value: unknown, schema: Json, place: Place): string[] {
  if (typeof schema["$ref"] === "string") return follow(value, schema["$ref"], place);
  return [
    ...ofType(value, schema, place),
    ...ofChoices(value, schema, place),
    ...ofString(value, schema, place),
    ...ofNumber(value, schema, place),
    ...ofArray(value, schema, place),
    ...ofObject(value, schema, place),
  ];
}

/** `FILE#/a/b`, `#/a/b` in the same file. */
function follow(value: unknown, reference: string, place: Place): string[] {
  const [file = "", pointer = ""] = reference.split("#");
  const source = { ...place, file: file === "" ? place.file : file };
  const names = pointer.split("/").filter((name) => name !== "");
  const schema = names.reduce<unknown>((at, name) => (at as Json)[name], source.load(source.file));
  return check(value, schema as Json, source);
}

function ofType(value: unknown, { type }: Json, { at }: Place): string[] {
  if (type === undefined) return [];
  const types = Array.isArray(type) ? (type as string[]) : [type as string];
  return types.some((name) => isA(value, name)) ? [] : [`${at}: not ${types.join(" or ")}`];
}

function isA(value: unknown, type: string): boolean {
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  if (type === "null") return value === null;
  if (type === "object") return isObject(value);
  return typeof value === type;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function ofChoices(value: unknown, schema: Json, place: Place): string[] {
  const choices = schema["enum"] as readonly unknown[] | undefined;
  const wrong =
    choices === undefined || choices.includes(value) ? [] : [`${place.at}: not one of its values`];
  const all = ((schema["allOf"] ?? []) as Json[]).flatMap((one) => check(value, one, place));
  const alternatives = [schema["anyOf"], schema["oneOf"]].filter((list) => list !== undefined) as Json[][];
  const none = alternatives.filter((list) => list.every((one) => check(value, one, place).length > 0));
  return [...wrong, ...all, ...none.map(() => `${place.at}: none of the alternatives`)];
}

function ofString(value: unknown, { pattern }: Json, { at }: Place): string[] {
  if (typeof value !== "string" || typeof pattern !== "string") return [];
  return new RegExp(pattern).test(value) ? [] : [`${at}: not like ${pattern}`];
}

function ofNumber(value: unknown, { minimum, maximum }: Json, { at }: Place): string[] {
  if (typeof value !== "number") return [];
  const outside =
    value < ((minimum as number | undefined) ?? -Infinity) ||
    value > ((maximum as number | undefined) ?? Infinity);
  return outside ? [`${at}: ${value} is out of range`] : [];
}

function ofArray(value: unknown, { items, minItems }: Json, place: Place): string[] {
  if (!Array.isArray(value)) return [];
  const few = value.length < ((minItems as number | undefined) ?? 0) ? [`${place.at}: too few`] : [];
  if (!isObject(items)) return few;
  return [...few, ...value.flatMap((item, i) => check(item, items, { ...place, at: `${place.at}/${i}` }))];
}

function ofObject(value: unknown, schema: Json, place: Place): string[] {
  if (!isObject(value)) return [];
  const properties = (schema["properties"] ?? {}) as Readonly<Record<string, Json>>;
  const missing = ((schema["required"] ?? []) as string[]).filter((name) => !(name in value));
  return [
    ...missing.map((name) => `${place.at}: no ${name}`),
    ...Object.entries(value).flatMap(([name, one]) =>
      properties[name] === undefined
        ? []
        : check(one, properties[name], { ...place, at: `${place.at}/${name}` }),
    ),
  ];
}
