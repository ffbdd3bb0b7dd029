/** How far the container is kept apart. */
export interface IsolationOptions {
  readonly isolation: "namespaces" | "chroot";
}
