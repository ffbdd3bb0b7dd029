const health = "pullrun runs no health checks: leave it out";
const rate = "disk limits by device are not built: --blkio-weight sets a share of disk time";
const windows = "that one is docker's for Windows containers: leave it out";
const daemon = "there is no daemon to talk to: leave it out";

/** Of every command that asks a registry. */
const registryFlags: readonly (readonly [flag: string, hint: string])[] = [
  ["--disable-content-trust", "there is nothing to turn off: digests are verified always, signatures never"],
  ["--tls-verify", "--insecure allows plain HTTP; certificates belong into certs.d (docs/registries.md)"],
  ["--authfile", "set REGISTRY_AUTH_FILE"],
  ["--log-level", "set PULLRUN_DEBUG=1 for more"],
  ["--arch", "say it with --platform, such as linux/arm64"],
  ["--os", "say it with --platform, such as linux/arm64"],
  ["--variant", "say it with --platform, such as linux/arm/v7"],
];

/** What to do without the flags of docker's and podman's `run` that we do not have. */
export const foreignFlags: ReadonlyMap<string, string> = new Map([
  ...registryFlags,
  ["--health-cmd", health],
  ["--health-interval", health],
  ["--health-retries", health],
  ["--health-start-interval", health],
  ["--health-start-period", health],
  ["--health-timeout", health],
  ["--blkio-weight-device", rate],
  ["--device-read-bps", rate],
  ["--device-read-iops", rate],
  ["--device-write-bps", rate],
  ["--device-write-iops", rate],
  ["--cpu-count", windows],
  ["--cpu-percent", windows],
  ["--io-maxbandwidth", windows],
  ["--io-maxiops", windows],
  ["--cpu-rt-period", "real-time budgets are not built: --ulimit rtprio=… allows real-time priorities"],
  ["--cpu-rt-runtime", "real-time budgets are not built: --ulimit rtprio=… allows real-time priorities"],
  ["--gpus", "name the device nodes with --device, such as --device /dev/dri or --device /dev/nvidia0"],
  ["--link", "containers on the bridge reach each other by name: --name there, or --network-alias"],
  ["--link-local-ip", "the bridge has IPv4 addresses only: --ip chooses one"],
  ["--ip6", "the bridge has IPv4 addresses only: --ip chooses one"],
  ["--kernel-memory", "kernels of today have no such limit: -m counts kernel memory too"],
  ["--memory-swappiness", "a container's swappiness is not set here: --memory-swap limits its swap"],
  [
    "--volumes-from",
    "name the volumes again with -v: `pullrun inspect -f '{{json .Mounts}}' CONTAINER` lists them",
  ],
  [
    "--volume-driver",
    "volumes are directories of the store, or -v PATH:TARGET for what is mounted on this machine",
  ],
  ["--storage-opt", "a root file system's size cannot be limited: --read-only, and --tmpfs PATH:size=…"],
  ["--cgroup-parent", "start pullrun in that cgroup: the container's is made below it"],
  ["--use-api-socket", daemon],
  ["--host", daemon],
  ["--context", daemon],
  ["--replace", "remove the container of that name first: pullrun rm -f NAME"],
  ["--tz", "pass it as a variable, -e TZ=…, to images that have the zones"],
  ["--timeout", "let timeout(1) end it: timeout SECONDS pullrun run …"],
  ["--pod", "there are no pods: --network, --ipc and --pid container:NAME share with one container"],
  ["--secret", "mount the file read-only: -v ./FILE:/run/secrets/FILE:ro"],
  ["--env-host", "name the variables: -e NAME copies one"],
  ["--no-hosts", "mount one of your own over it: -v ./hosts:/etc/hosts"],
]);

const noQuestion = "nothing is asked before: leave it out";
const allTags = "`pullrun tags REPOSITORY` lists them, and pull takes several";
const named = "an image that has a name stays: `pullrun rmi` takes it away";
const localOnly =
  "a volume is a directory of the store: mount the rest on this machine, and give its path with -v PATH:TARGET";
const typed = "a password on the command line is everybody's to read: --password-stdin";

/** The same for those of other commands, which are named here with a space before the flag. */
const others: ReadonlyMap<string, string> = new Map([
  ["pull -a", allTags],
  ["pull --all-tags", allTags],
  ["rmi --no-prune", "what only this image needs goes with it: another `pullrun tag` before keeps it"],
  ["rmi -a", "name them: pullrun rmi -f $(pullrun images -q)"],
  ["rmi --all", "name them: pullrun rmi -f $(pullrun images -q)"],
  ["prune -f", noQuestion],
  ["prune --force", noQuestion],
  ["prune -a", named],
  ["prune --all", named],
  ["prune --filter", "--older-than says what is kept for its age"],
  ["prune --volumes", "`pullrun volume prune` removes volumes"],
  ["history -H", "sizes are for people; --json has bytes"],
  ["history --human", "sizes are for people; --json has bytes"],
  ["login -p", typed],
  ["login --password", typed],
  ["save -m", "several images go into one archive as they are: leave it out"],
  ["save --multi-image-archive", "several images go into one archive as they are: leave it out"],
  ["create -o", localOnly],
  ["create --opt", localOnly],
  ["logs --details", "a container's log has its output alone: leave it out"],
  ["inspect -s", "`pullrun ps -s` has the sizes of containers"],
  ["inspect --size", "`pullrun ps -s` has the sizes of containers"],
]);

/** For a flag that `command`, which starts no containers, does not have. */
export function foreignFlagOf(command: string, flag: string): string | undefined {
  return others.get(`${command} ${flag}`) ?? new Map(registryFlags).get(flag);
}
