#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kernel.h"

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
  return strcmp (name, ".") != 0 && strcmp (name, "..") != 0;
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

static int
take_root (struct context *context, int fd)
{
  if (context->root >= 0)
    close (context->root);
  context->root = fd;
  return 0;
}

/*
 * Overlay options are limited to one page (mount(2)): directories are named through their descriptors, at most 18
 * bytes each, so that 200 lowers fit whatever their paths are.
 */
struct overlay_options {
  char text[4096];
  size_t used;
};

static bool
add_directory (struct overlay_options *options, const char *before, const char *path)
{
  /* Stays open until exec: the option string refers to it. */
  int fd = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return false;
  size_t left = sizeof options->text - options->used;
  int size = snprintf (options->text + options->used, left, "%s/proc/self/fd/%d", before, fd);
  if ((size_t) size >= left) {
    errno = E2BIG;
    return false;
  }
  options->used += (size_t) size;
  return true;
}

int
step_root_overlay (struct context *context, const struct step *step)
{
  struct overlay_options options = { "", 0 };
  const char *at = step_string (step, 0), *extra = step_string (step, 3);
  if (!add_directory (&options, "upperdir=", step_string (step, 1)))
    return fail (step_string (step, 1), "cannot open the upper directory");
  if (!add_directory (&options, ",workdir=", step_string (step, 2)))
    return fail (step_string (step, 2), "cannot open the work directory");
  for (size_t i = 4; i < step->argc; i++)
    if (!add_directory (&options, i == 4 ? ",lowerdir=" : ":", step_string (step, i)))
      return fail (step_string (step, i), "cannot open a lower directory");
  if (*extra) {
    int size = snprintf (options.text + options.used, sizeof options.text - options.used, ",%s", extra);
    if ((size_t) size >= sizeof options.text - options.used)
      return fail_with (E2BIG, at, "cannot mount the overlay");
  }
  if (mount ("overlay", at, "overlay", 0, options.text) < 0)
    return fail (at, "cannot mount the overlay");
  /* Opened again: a descriptor from before the mount would be of the directory beneath. */
  int fd = open (at, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? fail (at, "cannot open the overlay") : take_root (context, fd);
}

int
step_root_bind (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0);
  autoclose int target = open (path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (target < 0)
    return fail (path, "cannot open the root directory");
  int tree = k_open_tree (AT_FDCWD, path, K_OPEN_TREE_CLONE | K_AT_RECURSIVE);
  if (tree < 0)
    return fail (path, "cannot bind the root directory");
  if (k_attach (tree, target) < 0)
    return fail (path, "cannot bind the root directory to itself");
  return take_root (context, tree);
}

int
step_root_dir (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0);
  int fd = open (path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? fail (path, "cannot open the root directory") : take_root (context, fd);
}

int
step_mkdir (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0), *name;
  mode_t mode = (mode_t) step_integer (step, 1) & 07777;
  autoclose int existing = root_open (context, path, O_DIRECTORY, 0);
  if (existing >= 0)
    return 0;
  autoclose int dir = root_parent (context, path, &name);
  if (dir < 0)
    return fail (path, "cannot open the parent directory");
  if (mkdirat (dir, name, 0700) < 0)
    return fail (path, "cannot make directory");
  autoclose int made = openat (dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (made < 0 || fchown (made, (uid_t) step_integer (step, 2), (gid_t) step_integer (step, 3)) < 0
      || fchmod (made, mode) < 0)
    return fail (path, "cannot set owner and mode");
  return 0;
}

int
step_mknod (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0), *name;
  mode_t mode = (mode_t) step_integer (step, 1);
  dev_t device = makedev ((unsigned) step_integer (step, 2), (unsigned) step_integer (step, 3));
  struct stat st;
  autoclose int dir = root_parent (context, path, &name);
  if (dir < 0)
    return fail (path, "cannot open the parent directory");
  if (mknodat (dir, name, mode, device) == 0)
    return 0;
  int error = errno;
  if (error == EEXIST && fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0
      && (st.st_mode & S_IFMT) == (mode & S_IFMT) && st.st_rdev == device)
    return 0;
  return fail_with (error, path, "cannot make device node");
}

int
step_symlink (struct context *context, const struct step *step)
{
  const char *text = step_string (step, 0), *path = step_string (step, 1), *name;
  char present[PATH_MAX];
  autoclose int dir = root_parent (context, path, &name);
  if (dir < 0)
    return fail (path, "cannot open the parent directory");
  if (symlinkat (text, dir, name) == 0)
    return 0;
  int error = errno;
  ssize_t length = error == EEXIST ? readlinkat (dir, name, present, sizeof present) : -1;
  if (length >= 0 && (size_t) length == strlen (text) && memcmp (present, text, (size_t) length) == 0)
    return 0;
  return fail_with (error, path, "cannot make symlink");
}

/* Replaces a file or symlink of that name: what an image has at /etc/hosts must not be written through. */
int
step_file (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0), *name;
  autoclose int dir = root_parent (context, path, &name);
  if (dir < 0)
    return fail (path, "cannot open the parent directory");
  if (unlinkat (dir, name, 0) < 0 && errno != ENOENT)
    return fail (path, "cannot replace file");
  autoclose int fd = openat (dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0 || write_all (fd, step->argv[2].bytes, step->argv[2].length) < 0
      || fchmod (fd, (mode_t) step_integer (step, 1) & 07777) < 0)
    return fail (path, "cannot write file");
  return 0;
}

/* pivot_root(2), "pivot_root(".", ".")": no directory for the old root is needed inside the new one. */
int
step_pivot (struct context *context, const struct step *step)
{
  (void) step;
  autoclose int old = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (context->root < 0 || old < 0 || fchdir (context->root) < 0)
    return fail ("", "cannot enter the new root");
  if (syscall (SYS_pivot_root, ".", ".") < 0)
    return fail ("", "cannot pivot to the new root");
  /* Slave first: the unmount must not propagate to the host. */
  if (fchdir (old) < 0 || mount (NULL, ".", NULL, MS_REC | MS_SLAVE, NULL) < 0 || umount2 (".", MNT_DETACH) < 0)
    return fail ("", "cannot detach the old root");
  if (fchdir (context->root) < 0 || chdir ("/") < 0)
    return fail ("", "cannot enter the new root");
  return 0;
}

int
step_chroot (struct context *context, const struct step *step)
{
  (void) step;
  if (context->root < 0 || fchdir (context->root) < 0 || chroot (".") < 0 || chdir ("/") < 0)
    return fail ("", "cannot change the root directory");
  return 0;
}
