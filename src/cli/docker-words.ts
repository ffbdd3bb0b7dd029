const same = [
  ...["attach", "cp", "create", "exec", "export", "inspect", "kill", "logs", "pause", "port", "rename"],
  ...["restart", "rm", "run", "start", "stats", "stop", "top", "unpause", "wait"],
];

/** Docker's commands of two words, in the words that are left of them here. */
const spelt: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ...same.map((verb): [string, string[]] => [`container ${verb}`, [verb]]),
  ["container inspect", ["inspect", "--type", "container"]],
  ["container ls", ["ps"]],
  ["container list", ["ps"]],
  ["container ps", ["ps"]],
  ...["history", "load", "prune", "pull", "save", "tag"].map((verb): [string, string[]] => [
    `image ${verb}`,
    [verb],
  ]),
  ["image inspect", ["inspect", "--type", "image"]],
  ["image ls", ["images"]],
  ["image list", ["images"]],
  ["image rm", ["rmi"]],
  ["image remove", ["rmi"]],
  ["system info", ["info"]],
  ["system prune", ["prune"]],
]);

const building = "pullrun builds no images: load what buildah or docker made with `pullrun load`, or pull it";
const networks = "containers on the bridge reach each other by name: there are no other networks to manage";
const imageWords = "as docker's image commands: ls, inspect, pull, rm, history, tag, save, load and prune";

/** What to do without the commands of docker's that are not here, and are hardly an image's name. */
const absent: ReadonlyMap<string, string> = new Map([
  ["build", building],
  ["buildx", building],
  ["builder", building],
  ["commit", "`pullrun export` writes a container's files: nothing makes an image of them here"],
  ["compose", "start the containers one by one: those on the bridge reach each other by --name"],
  ["events", "`pullrun wait` waits for a container's end, `pullrun logs -f` shows what it says"],
  ["image", imageWords],
  ["import", "`pullrun load` reads archives of images, `run --rootfs` runs a directory"],
  ["network", networks],
  ["push", "`pullrun save` writes an image to an archive, `pullrun serve` lets others pull it"],
  ["search", "registries are searched in the browser; `pullrun tags REPOSITORY` lists tags"],
  ["system", "`pullrun info` looks at this machine, `pullrun prune` and `pullrun verify` at the store"],
  ["update", "limits are set with `pullrun create` and `pullrun run`"],
]);

/** A command line of docker's in our words. Undefined: it has nothing of docker's two-word commands. */
export function inOurWords([word = "", verb = "", ...rest]: readonly string[]):
  readonly string[] | undefined {
  const ours = spelt.get(`${word} ${verb}`);
  return ours === undefined ? undefined : [...ours, ...rest];
}

/** The hint for a command that only docker has. */
export function onlyDockers(word: string): string | undefined {
  return absent.get(word);
}
