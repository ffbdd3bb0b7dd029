import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { DeviceRequest } from "../../launch/options/files.js";

/** Docker's `--device NODE[:PATH][:rwm]`. @throws UsageError BAD_VALUE */
export function parseDeviceFlag(text: string): DeviceRequest {
  const [source = "", second, third, ...rest] = text.split(":");
  const isAccess = second !== undefined && third === undefined && !second.startsWith("/");
  const access = isAccess ? second : third;
  const target = isAccess || second === undefined ? source : second;
  const wrong = !source.startsWith("/") || !target.startsWith("/") || rest.length > 0;
  if (wrong || (access !== undefined && !/^[rwm]{1,3}$/.test(access))) {
    throw new UsageError(
      "BAD_VALUE",
      `--device: ${printable(text)}: not a device (expected NODE[:PATH][:rwm], such as /dev/fuse)`,
    );
  }
  return { source, target, ...(access === undefined ? {} : { access }) };
}
