import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { RegistryError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { reachOf, type Reach } from "./hosts.js";

type LookupResult = Parameters<Parameters<LookupFunction>[2]>;

/**
 * A lookup for names that a registry has sent us to: what {@link mayBeSentTo} cannot see is where they lead. A name from
 * a public registry must not lead to this machine or its network; one from a registry in the local network may stay in
 * there, and one from this machine on it. `home` is the registry's own host, as in URL.hostname.
 * Fails with RegistryError REDIRECT_REFUSED where one of the addresses is out of reach.
 */
export function guardedLookup(home: string, lookup: LookupFunction = systemLookup): LookupFunction {
  let found: Promise<Reach> | undefined;
  return (hostname, options, callback) => {
    lookup(hostname, options, (...result) => {
      const addresses = addressesOf(result);
      // Most names are public ones: where home is need not be known.
      if (addresses.every((address) => reachOf(address) === "public")) return callback(...result);
      found ??= reachOfHost(home, lookup);
      void found.then((reach) => {
        const bad = addresses.find((address) => !isWithin(reachOf(address), reach));
        if (bad === undefined) callback(...result);
        else callback(refused(hostname, bad), "", 0);
      });
    });
  };
}

function addressesOf([error, address]: LookupResult): string[] {
  if (error !== null) return [];
  return typeof address === "string" ? [address] : address.map((one: LookupAddress) => one.address);
}

/** The nearest of a host's addresses; public if it has none, as then nothing will come of it anyway. */
function reachOfHost(hostname: string, lookup: LookupFunction): Promise<Reach> {
  const literal = hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(literal) !== 0) return Promise.resolve(reachOf(literal));
  return new Promise((resolve) => {
    lookup(hostname, { all: true }, (...result) => {
      const reaches = addressesOf(result).map(reachOf);
      resolve(reaches.find((reach) => reach !== "public") ?? "public");
    });
  });
}

function isWithin(target: Reach, home: Reach): boolean {
  return target === "public" || (target === home && target !== "link");
}

function refused(hostname: string, address: string): RegistryError {
  const shown = printable(hostname, 120);
  return new RegistryError(
    "REDIRECT_REFUSED",
    `request to ${shown}: its address is ${address}, in the local network`,
    {
      hint: "the registry sends us there, and it is not in that network itself; if that is meant, go through a proxy (HTTPS_PROXY) or a mirror (hosts.toml)",
    },
  );
}
