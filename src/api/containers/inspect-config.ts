import type { Spec } from "../../launch/oci-spec.js";
import type { Stream } from "../../launch/options/life.js";
import { parseExposed } from "../../launch/network/ports.js";
import { portBindings } from "./inspect-network.js";
import type { ContainerState } from "./state.js";

/** Docker's reading of -a, -i and -d. */
function attached({ detached, attach, options }: ContainerState, stream: Stream): boolean {
  if (detached) return false;
  if (stream === "stdin") return options.interactive || (attach?.includes("stdin") ?? false);
  return attach?.includes(stream) ?? true;
}

/** The container itself, in docker's field names: what was asked for, else what its image says. */
export function configView(state: ContainerState, spec: Spec): Record<string, unknown> {
  const { options, image, labels, stopSignal, stopTimeout } = state;
  const { env, cwd } = spec.process;
  const entrypoint = entrypointOf(state);
  return {
    Hostname: spec.hostname,
    Domainname: options.domainname ?? "",
    User: options.user ?? image.user ?? "",
    AttachStdin: attached(state, "stdin"),
    AttachStdout: attached(state, "stdout"),
    AttachStderr: attached(state, "stderr"),
    Tty: options.tty ?? false,
    OpenStdin: options.interactive,
    Env: env,
    ExposedPorts: exposedPorts(state),
    Cmd: orNull(state.command.slice(entrypoint.length)),
    Entrypoint: orNull(entrypoint),
    Image: image.name,
    WorkingDir: cwd,
    Labels: labels,
    StopSignal: stopSignal,
    StopTimeout: stopTimeout,
  };
}

/** By the image, `--expose` or `--publish`. */
function exposedPorts({ image, options, ports }: ContainerState): Record<string, object> {
  const named = [...(image.exposedPorts ?? []), ...(options.expose ?? [])].flatMap(parseExposed);
  const words = named.map(({ port, protocol }) => `${port}/${protocol}`);
  return Object.fromEntries([...words, ...Object.keys(portBindings(ports))].map((word) => [word, {}]));
}

/** The part of the command that is not CMD or arguments. */
function entrypointOf({ options, image }: ContainerState): readonly string[] {
  const entrypoint = options.entrypoint === undefined ? (image.entrypoint ?? []) : [options.entrypoint];
  return entrypoint.length === 1 && entrypoint[0] === "" ? [] : entrypoint;
}

function orNull(words: readonly string[]): readonly string[] | null {
  return words.length === 0 ? null : words;
}
