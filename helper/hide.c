#include "hide.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "bind.h"
#include "kernel.h"
#include "mount.h"
#include "root.h"

/* A masked or read-only path the kernel or the image does not have needs no hiding. */
static int
open_present (struct context *context, const char *path, bool *absent)
{
  int fd = root_open (context, path, 0, 0);
  *absent = fd < 0 && (errno == ENOENT || errno == ENOTDIR);
  return fd;
}

static int
empty_directory (void)
{
  /* One block, one inode: the root itself. */
  return make_mount ((struct new_mount){ "tmpfs", "tmpfs", "nr_blocks=1,nr_inodes=1,mode=755",
                                         K_ATTR_RDONLY | K_ATTR_NOSUID | K_ATTR_NODEV | K_ATTR_NOEXEC });
}

static int
null_device (void)
{
  autoclose int null = open_null (O_PATH);
  return null < 0 ? -1 : clone_tree (null, "", false);
}

int
step_mask (struct context *context, const struct step *step)
{
  const char *target = step_string (step, 0);
  bool absent;
  autoclose int at = open_present (context, target, &absent);
  if (at < 0)
    return absent ? 0 : fail (target, "cannot open a path to mask");
  autoclose int cover = is_directory (at) ? empty_directory () : null_device ();
  if (cover < 0)
    return fail (target, "cannot make the cover of a masked path");
  return k_attach (cover, at) < 0 ? fail (target, "cannot mask") : 0;
}

int
step_readonly (struct context *context, const struct step *step)
{
  const char *target = step_string (step, 0);
  bool absent;
  autoclose int at = open_present (context, target, &absent);
  if (at < 0)
    return absent ? 0 : fail (target, "cannot open a path to make read-only");
  autoclose int tree = clone_tree (at, "", true);
  if (tree < 0 || set_flags (tree, MS_RDONLY | MS_REC) < 0)
    return fail (target, "cannot make a read-only view");
  return k_attach (tree, at) < 0 ? fail (target, "cannot make read-only") : 0;
}
