import type { Digest } from "./digest.js";
import type { ErrorCode } from "./errors.js";

/**
 * `elsewhere`: another process is fetching the same layer, we wait for it. `verifying`: all bytes are here, their
 * digests are still being computed. `storing`: they hold, and the layer is being made durable.
 */
export type LayerState =
  "waiting" | "elsewhere" | "downloading" | "verifying" | "storing" | "done" | "exists";

/** `quota`: the registry's pull limit is nearly used up; `mirror`: one is given up for this pull. */
export type WarningCode = "quota" | "mirror";

/** Everything a pull tells while it runs. The library emits, only the CLI prints. */
export type PullEvent =
  | { readonly type: "resolving"; readonly reference: string }
  | {
      readonly type: "resolved";
      readonly reference: string;
      readonly digest: Digest;
      readonly layers: readonly { readonly digest: Digest; readonly size: number }[];
    }
  | {
      readonly type: "layer";
      readonly digest: Digest;
      readonly state: LayerState;
      /** Bytes here, those of an earlier, interrupted pull included. */
      readonly done: number;
      readonly total: number;
      /** Bytes that came in during this pull. */
      readonly fetched: number;
    }
  | {
      readonly type: "retry";
      readonly what: string;
      readonly attempt: number;
      readonly code: ErrorCode;
      readonly waitMs: number;
    }
  | { readonly type: "rootfs"; readonly chainId: Digest; readonly state: "building" | "done" | "exists" }
  | { readonly type: "pulled"; readonly reference: string; readonly digest: Digest }
  | { readonly type: "warning"; readonly code?: WarningCode; readonly message: string };

/** One request to a registry, or to where it sent us, once its headers are here. */
export interface Exchange {
  /** `probe`: whether the API is there; `other`: such as the list of tags. */
  readonly kind: "probe" | "token" | "manifest" | "blob" | "other";
  readonly method: string;
  /** As {@link printableUrl} shows it: without the query, which may hold a signature. */
  readonly url: string;
  /** 0 where no answer came. */
  readonly status: number;
  /** Milliseconds until the headers were here. */
  readonly ms: number;
}

/** Synchronous, cheap, must not throw. */
export type OnExchange = (exchange: Exchange) => void;

/** Synchronous, cheap, must not throw. */
export type Emit = (event: PullEvent) => void;
