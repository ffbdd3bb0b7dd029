#include "remove.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"
#include "walk.h"

/* Recursion, and with it open descriptors, stop here; what lies deeper is moved up to the top and removed from there. */
#define MAX_DEPTH 64

struct removal {
  int top; /* the tree's own directory */
  unsigned long moved;
  const char *kept; /* a name in the top directory to leave alone, or NULL */
};

static int remove_content (struct removal *removal, DIR *listing, int depth);

/* Never follows a link and, RESOLVE_NO_XDEV, never enters a mount, not even a bind mount of the same file system. */
static DIR *
open_subdirectory (int dir, const char *name)
{
  const uint64_t resolve = K_BENEATH | K_NO_SYMLINKS | K_NO_XDEV;
  struct stat st;
  char link[32];
  autoclose int path = k_openat2 (dir, name, (struct k_open_how){ O_PATH | O_DIRECTORY | O_CLOEXEC, 0, resolve });
  if (path < 0 || fstat (path, &st) < 0)
    return NULL;
  /* chmod through the descriptor: by name it would follow a link put there meanwhile. */
  snprintf (link, sizeof link, "/proc/self/fd/%d", path);
  if ((st.st_mode & 0700) != 0700 && chmod (link, (st.st_mode & 0777) | 0700) < 0 && errno != EPERM)
    return NULL;
  return open_listing (path, ".");
}

static int
move_up (struct removal *removal, int dir, const char *name)
{
  char moved[40];
  do
    snprintf (moved, sizeof moved, ".pullrun-removed-%lu", removal->moved++);
  while (faccessat (removal->top, moved, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
  return renameat (dir, name, removal->top, moved);
}

static int
remove_entry (struct removal *removal, int dir, const char *name, int depth)
{
  if (unlinkat (dir, name, 0) == 0 || errno == ENOENT)
    return 0;
  /* EISDIR from Linux, EPERM from POSIX. */
  if (errno != EISDIR && errno != EPERM)
    return -1;
  autolisting DIR *listing = open_subdirectory (dir, name);
  if (!listing)
    return errno == ENOENT ? 0 : -1;
  if (depth >= MAX_DEPTH)
    return move_up (removal, dir, name);
  if (remove_content (removal, listing, depth + 1) < 0)
    return -1;
  return unlinkat (dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -1 : 0;
}

/* One pass over the directory; `*seen` tells whether there was anything. */
static int
remove_listed (struct removal *removal, DIR *listing, int depth, bool *seen)
{
  *seen = false;
  rewinddir (listing);
  for (const struct dirent *entry; (entry = next_entry (listing)) != NULL;) {
    if (depth == 0 && removal->kept && strcmp (entry->d_name, removal->kept) == 0)
      continue;
    *seen = true;
    if (remove_entry (removal, dirfd (listing), entry->d_name, depth) < 0)
      return -1;
  }
  return errno ? -1 : 0;
}

/* Again until a pass finds nothing: deleting while reading may skip names, and deep directories are moved to the top. */
static int
remove_content (struct removal *removal, DIR *listing, int depth)
{
  bool seen = true;
  while (seen)
    if (remove_listed (removal, listing, depth, &seen) < 0)
      return -1;
  return 0;
}

/* Splits an absolute host path; the parent is ours and may be reached through links, the last component is not. */
static int
open_parent (const char *path, const char **name)
{
  const char *slash = strrchr (path, '/');
  char parent[PATH_MAX];
  if (!slash || !is_name (slash + 1) || slash - path >= PATH_MAX) {
    errno = EINVAL;
    return -1;
  }
  snprintf (parent, sizeof parent, "%.*s", slash == path ? 1 : (int) (slash - path), path);
  *name = slash + 1;
  return open (parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int
remove_all_in (int fd)
{
  autolisting DIR *listing = open_listing (fd, ".");
  return listing ? remove_content (&(struct removal){ .top = fd }, listing, 0) : -1;
}

int
step_remove_tree (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0), *name;
  (void) context;
  autoclose int dir = open_parent (path, &name);
  if (dir < 0)
    return errno == ENOENT ? 0 : fail (path, "cannot open the parent directory");
  if (unlinkat (dir, name, 0) == 0 || errno == ENOENT)
    return 0;
  if (errno != EISDIR && errno != EPERM)
    return fail (path, "cannot remove");
  autolisting DIR *listing = open_subdirectory (dir, name);
  if (!listing)
    return fail (path, "cannot open the tree to remove");
  /* A container's lock goes last: whoever finds it gone, and makes a new one, has nothing left to share with us. */
  struct removal removal = { .top = dirfd (listing), .kept = "lock" };
  int result = remove_content (&removal, listing, 0);
  removal.kept = NULL;
  if (result < 0 || remove_content (&removal, listing, 0) < 0 || unlinkat (dir, name, AT_REMOVEDIR) < 0)
    return fail (path, "cannot remove the tree");
  return 0;
}

static void
kill_listed (int cgroup)
{
  int fd = openat (cgroup, "cgroup.procs", O_RDONLY | O_CLOEXEC);
  FILE *procs = fd < 0 ? NULL : fdopen (fd, "r");
  int pid;
  while (procs && fscanf (procs, "%d", &pid) == 1)
    /* 0: a process outside our pid namespace, which we cannot name. */
    if (pid > 0)
      kill (pid, SIGKILL);
  if (procs)
    fclose (procs);
}

static void
kill_all (int cgroup)
{
  autoclose int fd = openat (cgroup, "cgroup.kill", O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write (fd, "1", 1) < 0)
    kill_listed (cgroup);
}

static int
remove_cgroup (int dir, const char *name, int depth)
{
  if (unlinkat (dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
    return 0;
  int error = errno;
  autolisting DIR *listing = depth < MAX_DEPTH ? open_listing (dir, name) : NULL;
  for (const struct dirent *entry; listing && (entry = next_entry (listing)) != NULL;)
    if (entry->d_type == DT_DIR)
      remove_cgroup (dirfd (listing), entry->d_name, depth + 1);
  if (listing)
    kill_all (dirfd (listing));
  if (unlinkat (dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
    return 0;
  errno = error;
  return -1;
}

/* A killed process leaves its cgroup a little later (EBUSY until then): up to 2 s of 10 ms waits. */
int
step_remove_cgroup (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0), *name;
  (void) context;
  autoclose int dir = open_parent (path, &name);
  if (dir < 0)
    return errno == ENOENT ? 0 : fail (path, "cannot open the parent of the cgroup");
  for (int tries = 0; tries < 200; tries++) {
    if (remove_cgroup (dir, name, 0) == 0)
      return 0;
    if (errno != EBUSY && errno != ENOTEMPTY)
      break;
    nanosleep (&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
  }
  return fail (path, "cannot remove the cgroup");
}
