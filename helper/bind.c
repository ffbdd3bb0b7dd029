#include "bind.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"
#include "mount.h"
#include "root.h"

int
clone_tree (int dir, const char *path, bool recursive)
{
  unsigned empty = *path ? 0 : AT_EMPTY_PATH;
  return k_open_tree (dir, path, K_OPEN_TREE_CLONE | empty | (recursive ? K_AT_RECURSIVE : 0));
}

bool
is_directory (int fd)
{
  struct stat st;
  return fstat (fd, &st) == 0 && S_ISDIR (st.st_mode);
}

static int
open_bind_target (struct context *context, const char *target, int tree)
{
  bool directory = is_directory (tree);
  int at = directory ? root_directory (context, target) : root_file (context, target);
  if (at < 0)
    return fail (target, "cannot open the target of a bind mount");
  if (is_directory (at) == directory && !is_forbidden (at, target))
    return at;
  if (is_directory (at) != directory)
    fail_with (directory ? ENOTDIR : EISDIR, target, "cannot bind a %s here", directory ? "directory" : "file");
  else
    fail (target, "cannot bind here");
  close (at);
  return -1;
}

int
step_bind (struct context *context, const struct step *step)
{
  const char *source = step_string (step, 0), *target = step_string (step, 1);
  uint64_t flags = step_integer (step, 2);
  autoclose int tree = clone_tree (AT_FDCWD, source, flags & MS_REC);
  if (tree < 0)
    return fail (source, "cannot open the source of a bind mount");
  autoclose int at = open_bind_target (context, target, tree);
  if (at < 0)
    return -1;
  if (set_flags (tree, flags) < 0)
    return fail (target, "cannot set the flags of a bind mount");
  return k_attach (tree, at) < 0 ? fail (target, "cannot bind %s", source) : 0;
}

/* What a path below the base leads to, never out of it: the base may be a volume, which containers write to. */
static int
open_below (const char *base, const char *path)
{
  struct k_open_how how = { O_PATH | O_CLOEXEC, 0, K_IN_ROOT | K_NO_MAGICLINKS };
  int fd = open (base, O_PATH | O_CLOEXEC);
  if (fd < 0 || !*path)
    return fd;
  int found = k_openat2 (fd, path, how);
  close_descriptor (&fd);
  return found;
}

/*
 * Arguments: number, base, path below it or "", whether mounts below come along. Taken before the mounts become private,
 * a tree stays a peer of the host's, as its propagation may ask.
 */
int
step_open_tree (struct context *context, const struct step *step)
{
  uint64_t number = step_integer (step, 0);
  const char *base = step_string (step, 1), *path = step_string (step, 2);
  if (number >= MAX_TREES || context->trees[number] > 0)
    return fail_with (EINVAL, base, "cannot hold another tree");
  autoclose int source = open_below (base, path);
  int tree = source < 0 ? -1 : clone_tree (source, "", step_integer (step, 3) != 0);
  if (tree < 0)
    return fail (*path ? path : base, "cannot open the source of a bind mount");
  context->trees[number] = tree;
  return 0;
}

static int
set_propagation (int tree, uint64_t propagation)
{
  struct k_mount_attr attr = { .propagation = propagation & ~(uint64_t) MS_REC };
  return k_mount_setattr (tree, AT_EMPTY_PATH | (propagation & MS_REC ? K_AT_RECURSIVE : 0), attr);
}

/* Arguments: number, target, flags (MS_REC: of the whole tree), flags of its top alone, propagation (MS_REC: of all). */
int
step_attach_tree (struct context *context, const struct step *step)
{
  uint64_t number = step_integer (step, 0);
  const char *target = step_string (step, 1);
  if (number >= MAX_TREES || context->trees[number] <= 0)
    return fail_with (EINVAL, target, "no such tree");
  autoclose int tree = context->trees[number];
  context->trees[number] = 0;
  autoclose int at = open_bind_target (context, target, tree);
  if (at < 0)
    return -1;
  if (set_flags (tree, step_integer (step, 2)) < 0 || set_flags (tree, step_integer (step, 3)) < 0)
    return fail (target, "cannot set the flags of a bind mount");
  if (set_propagation (tree, step_integer (step, 4)) < 0)
    return fail (target, "cannot set the propagation of a bind mount");
  return k_attach (tree, at) < 0 ? fail (target, "cannot bind") : 0;
}
