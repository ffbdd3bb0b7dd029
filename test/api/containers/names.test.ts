import { readdirSync, readlinkSync, rmSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { findContainer } from "../../../src/api/containers/find.js";
import { nameOf, releaseName, reserveName, reserveSomeName } from "../../../src/api/containers/names.js";
import { removeContainer } from "../../../src/api/containers/remove.js";
import { renameContainer } from "../../../src/api/containers/rename.js";
import { checkLifeOptions } from "../../../src/launch/options/life.js";
import { madeStore } from "../../support/made-container.js";

const full = (start: string): string => start.padEnd(64, "0");

test.each([
  ["a", "one character"],
  ["-x", "begins with a dash"],
  [".hidden", "begins with a dot"],
  ["a/b", "a slash"],
  ["a b", "a space"],
  ["ünicode", "a letter beyond ASCII"],
  ["x".repeat(201), "too long"],
  ["", "empty"],
])("%j is no name: %s", (name) => {
  const options = { name, labels: {}, autoRemove: false, detached: false };
  expect(() => {
    checkLifeOptions(options);
  }).toThrow(/^--name: .*expected two or more letters/);
});

test("a name is taken once, and free again when it is released", async () => {
  const { context, paths, add } = await madeStore();
  const helper = await context.helper();
  await add("aa", { name: "web" });
  await add("bb");
  const claim = { name: "web", id: full("bb") };
  await expect(reserveName(paths, helper, claim)).rejects.toMatchObject({
    code: "LOCKED",
    message: "--name: web: container aa0000000000 has that name",
  });
  await releaseName(paths, claim);
  await expect(reserveName(paths, helper, claim)).rejects.toThrow(/has that name/);
  await releaseName(paths, { name: "web", id: full("aa") });
  await reserveName(paths, helper, claim);
  expect(readlinkSync(path.join(paths.names, "web"))).toBe(full("bb"));
});

test("a name that a deleted directory left behind goes to exactly one of those that want it", async () => {
  const { context, paths, add } = await madeStore();
  const helper = await context.helper();
  rmSync(await add("aa", { name: "web" }), { recursive: true });
  const ids = ["b1", "b2", "b3", "b4"];
  for (const id of ids) await add(id);
  const claims = ids.map((id) => reserveName(paths, helper, { name: "web", id: full(id) }));
  const results = await Promise.allSettled(claims);
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(readdirSync(paths.names).sort()).toEqual([".lock", "web"]);
});

test("containers without a name of their own get different ones, and keep them", async () => {
  const { paths, add } = await madeStore();
  const ids = Array.from({ length: 20 }, () => "cc".padEnd(64, "0"));
  await add("cc");
  const names = new Set<string>();
  for (const id of ids) names.add(await reserveSomeName(paths, id));
  expect(names.size).toBe(20);
  for (const name of names) expect(name).toMatch(/^[a-z]+_[a-z]+[0-9]*$/);
});

describe("a container is found by", () => {
  test("its id, its name, and the beginning of an id that no other has", async () => {
    const { context, add } = await madeStore();
    await add("ab12", { name: "web" });
    await add("ab34");
    for (const word of [full("ab12"), "web", "ab1"])
      expect((await findContainer(context, word)).id).toBe(full("ab12"));
    await expect(findContainer(context, "ab")).rejects.toThrow("container: ab: 2 ids begin so");
    await expect(findContainer(context, "ff")).rejects.toThrow("container: ff: no such container");
  });

  test("a name that looks like the beginning of another's id", async () => {
    const { context, add } = await madeStore();
    await add("ab12");
    await add("cd34", { name: "ab1" });
    expect((await findContainer(context, "ab1")).id).toBe(full("cd34"));
  });

  test("the two words of its id when it has no name", async () => {
    const { context, add } = await madeStore();
    await add("ab12");
    expect((await findContainer(context, nameOf({ id: full("ab12") }))).id).toBe(full("ab12"));
  });
});

test("rename frees the old name and takes the new one, unless somebody has it", async () => {
  const { context, add } = await madeStore();
  await add("aa", { name: "one" });
  await add("bb", { name: "two" });
  await expect(renameContainer(context, "one", "two")).rejects.toThrow(/has that name/);
  await renameContainer(context, "one", "three");
  await renameContainer(context, "two", "one");
  expect((await findContainer(context, "three")).id).toBe(full("aa"));
  expect((await findContainer(context, "one")).id).toBe(full("bb"));
});

test("rm deletes the directory and frees the name; a damaged container takes -f", async () => {
  const { context, paths, add } = await madeStore();
  await add("aa", { name: "web" });
  await removeContainer(context, "web", { force: false, volumes: false });
  const damaged = await add("bb");
  rmSync(path.join(damaged, "state.json"));
  await removeContainer(context, "bb", { force: true, volumes: false });
  expect(readdirSync(paths.containers)).toEqual([]);
  expect(readdirSync(paths.names)).toEqual([]);
});
