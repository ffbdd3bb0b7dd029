#include "new-root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "kernel.h"

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
