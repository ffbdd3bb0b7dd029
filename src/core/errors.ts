/**
 * Every failure a user can meet. One class per handling decision, one stable code per cause.
 * Messages: `what failed: object: observed (expected …)`, lower case, one line; the hint says what to do.
 */

export type UsageCode = "BAD_REFERENCE" | "BAD_PLATFORM" | "BAD_FLAG" | "BAD_VALUE" | "BAD_CONFIG";
export type AuthCode = "UNAUTHORIZED" | "DENIED" | "CREDENTIAL_HELPER" | "BAD_AUTH_FILE";
export type RegistryCode =
  | "MANIFEST_UNKNOWN"
  | "BLOB_UNKNOWN"
  | "NAME_UNKNOWN"
  | "RATE_LIMITED"
  | "UPSTREAM"
  | "PROTOCOL"
  | "REDIRECT_REFUSED"
  | "BLOCKED"
  | "BAD_MANIFEST"
  | "NO_PLATFORM"
  | "UNSUPPORTED_MEDIA";
export type NetworkCode = "DNS" | "TLS" | "TIMEOUT" | "REFUSED" | "RESET" | "UNREACHABLE";
export type IntegrityCode = "BAD_DIGEST" | "DIGEST_MISMATCH" | "SIZE_MISMATCH" | "DIFF_ID_MISMATCH";
export type StoreCode =
  "NOT_FOUND" | "LOCKED" | "CORRUPT" | "DISK_FULL" | "SCHEMA_NEWER" | "STORE_IO" | "OTHERS_STORE";
export type LayerCode = "PATH_ESCAPE" | "BAD_TAR" | "BAD_COMPRESSION" | "TOO_BIG" | "UNSUPPORTED_LAYER";
export type LaunchCode =
  | "NO_NAMESPACES"
  | "NO_CGROUP"
  | "NO_NETWORK"
  | "NO_RUNTIME"
  | "NO_HELPER"
  | "NO_COMMAND"
  | "NO_CAPABILITY"
  | "BAD_USER"
  | "BAD_IMAGE"
  | "BAD_MOUNT"
  | "EXEC_NOT_FOUND"
  | "EXEC_DENIED"
  | "NOT_RUNNING"
  | "STILL_RUNNING"
  | "HELPER_FAILED";
export type AbortCode = "INTERRUPTED";
export type ErrorCode =
  | UsageCode
  | AuthCode
  | RegistryCode
  | NetworkCode
  | IntegrityCode
  | StoreCode
  | LayerCode
  | LaunchCode
  | AbortCode;

export interface ErrorInfo {
  /** What the user can do about it; printed on its own `hint:` line. */
  readonly hint?: string;
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, string | number>>;
}

export class PullrunError<C extends ErrorCode = ErrorCode> extends Error {
  constructor(
    readonly code: C,
    message: string,
    readonly info: ErrorInfo = {},
  ) {
    super(message, info.cause === undefined ? undefined : { cause: info.cause });
    this.name = new.target.name;
  }

  get hint(): string | undefined {
    return this.info.hint;
  }
}

/** The command line or a value on it is wrong; retrying cannot help. */
export class UsageError extends PullrunError<UsageCode> {}
/** The registry wants other credentials than it got. */
export class AuthError extends PullrunError<AuthCode> {}
/** The registry answered, with something we cannot use. */
export class RegistryError extends PullrunError<RegistryCode> {}
/** The registry could not be reached or went away; worth a retry. */
export class NetworkError extends PullrunError<NetworkCode> {}
/** Bytes are not what their descriptor promises; worth one clean retry. */
export class IntegrityError extends PullrunError<IntegrityCode> {}
export class StoreError extends PullrunError<StoreCode> {}
/** A layer's content is refused; never retried. */
export class LayerError extends PullrunError<LayerCode> {}
export class LaunchError extends PullrunError<LaunchCode> {}
export class AbortError extends PullrunError<AbortCode> {}

/** An error as plain data, to cross a worker boundary. */
export interface ErrorData {
  readonly class: keyof typeof classes;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, string | number>>;
}

const classes = {
  UsageError,
  AuthError,
  RegistryError,
  NetworkError,
  IntegrityError,
  StoreError,
  LayerError,
  LaunchError,
  AbortError,
} as const;

export function errorToData(error: PullrunError): ErrorData {
  const { code, message, info } = error;
  return {
    class: error.name as keyof typeof classes,
    code,
    message,
    ...(info.hint === undefined ? {} : { hint: info.hint }),
    ...(info.details === undefined ? {} : { details: info.details }),
  };
}

export function errorFromData(data: ErrorData): PullrunError {
  const make = classes[data.class] as new (code: ErrorCode, message: string, info: ErrorInfo) => PullrunError;
  return new make(data.code, data.message, data);
}

/** For narrowing, which `instanceof` does not do to a class with a parameter. */
export function isOurs(error: unknown): error is PullrunError {
  return error instanceof PullrunError;
}

/** The errno name of a system error (`ENOENT`), or undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
