#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"
#include "walk.h"

/* Path components and dangling symlinks together; a legitimate path has a dozen. */
#define MAX_DEPTH 100

int
root_open (const struct context *context, const char *path, uint64_t extra_flags, uint64_t extra_resolve)
{
  struct k_open_how how = {
    .flags = O_PATH | O_CLOEXEC | extra_flags,
    .resolve = K_IN_ROOT | K_NO_MAGICLINKS | extra_resolve,
  };
  if (context->root < 0) {
    errno = EBADF;
    return -1;
  }
  /* EAGAIN: a rename or mount elsewhere raced with "..", openat2(2); 100 losses in a row are no accident. */
  for (int tries = 0; tries < 100; tries++) {
    int fd = k_openat2 (context->root, *path ? path : ".", how);
    if (fd >= 0 || errno != EAGAIN)
      return fd;
  }
  return -1;
}

/* Splits "a/b/c" into "a/b" and "c"; false for paths that name no entry of a directory, and for too long ones. */
static bool
split (const char *path, char parent[PATH_MAX], char name[NAME_MAX + 1])
{
  size_t end = strlen (path), start;
  while (end > 0 && path[end - 1] == '/')
    end--;
  for (start = end; start > 0 && path[start - 1] != '/';)
    start--;
  if (end == start || end - start > NAME_MAX || start >= PATH_MAX)
    return false;
  memcpy (parent, path, start);
  parent[start] = 0;
  memcpy (name, path + start, end - start);
  name[end - start] = 0;
  return is_name (name);
}

/* Where the symlink `name` in `parent` (open as `dir`) points, as a path from the root. */
static bool
follow (int dir, const char *parent, const char *name, char path[PATH_MAX])
{
  char link[PATH_MAX];
  ssize_t length = readlinkat (dir, name, link, sizeof link - 1);
  if (length < 0)
    return false;
  link[length] = 0;
  int size = snprintf (path, PATH_MAX, "%s/%s", link[0] == '/' ? "" : parent, link);
  if (size < PATH_MAX)
    return true;
  errno = ENAMETOOLONG;
  return false;
}

static int create_missing (const struct context *context, const char *path, bool directory, int depth);

static int
open_or_create (const struct context *context, const char *path, bool directory, int depth)
{
  int fd = root_open (context, path, directory ? O_DIRECTORY : 0, 0);
  return fd >= 0 || errno != ENOENT ? fd : create_missing (context, path, directory, depth);
}

/* Called when `path` does not resolve: its parent is missing, it is, or it is a symlink to something missing. */
static int
create_missing (const struct context *context, const char *path, bool directory, int depth)
{
  char parent[PATH_MAX], name[NAME_MAX + 1], target[PATH_MAX];
  if (depth > MAX_DEPTH || !split (path, parent, name)) {
    errno = depth > MAX_DEPTH ? ELOOP : ENAMETOOLONG;
    return -1;
  }
  autoclose int dir = open_or_create (context, parent, true, depth + 1);
  if (dir < 0)
    return -1;
  if (follow (dir, parent, name, target))
    return open_or_create (context, target, directory, depth + 1);
  if (directory) {
    if (mkdirat (dir, name, 0755) < 0 && errno != EEXIST)
      return -1;
    return openat (dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  }
  int fd = openat (dir, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  return fd >= 0 || errno != EEXIST ? fd : openat (dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

int
root_directory (const struct context *context, const char *path)
{
  return open_or_create (context, path, true, 0);
}

int
root_file (const struct context *context, const char *path)
{
  return open_or_create (context, path, false, 0);
}

int
root_parent (const struct context *context, const char *path, const char **name)
{
  char parent[PATH_MAX], last[NAME_MAX + 1];
  if (!split (path, parent, last) || path[strlen (path) - 1] == '/') {
    errno = EINVAL;
    return -1;
  }
  *name = path + strlen (path) - strlen (last);
  return open_or_create (context, parent, true, 0);
}
