#include "mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "kernel.h"
#include "root.h"

static const struct {
  unsigned long flag;
  uint64_t attribute;
} attributes[] = {
  { MS_RDONLY, K_ATTR_RDONLY },         { MS_NOSUID, K_ATTR_NOSUID },   { MS_NODEV, K_ATTR_NODEV },
  { MS_NOEXEC, K_ATTR_NOEXEC },         { MS_NOATIME, K_ATTR_NOATIME }, { MS_NODIRATIME, K_ATTR_NODIRATIME },
  { MS_STRICTATIME, K_ATTR_STRICTATIME }, { MS_RELATIME, 0 },
};

/*
 * Flags go to the mount, never to the superblock: a cgroup v1 or sysfs superblock is shared with the host and would
 * become read-only there too. False for flags that have no such meaning.
 */
static bool
translate (uint64_t flags, struct k_mount_attr *attr)
{
  *attr = (struct k_mount_attr){ 0 };
  for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
    if (flags & attributes[i].flag) {
      attr->set |= attributes[i].attribute;
      flags &= ~attributes[i].flag;
    }
  /* mount_setattr(2): the access time settings are one field, changed as a whole. */
  if (attr->set & (K_ATTR_NOATIME | K_ATTR_STRICTATIME))
    attr->clear = K_ATTR_ATIME;
  return (flags & ~(uint64_t) MS_REC) == 0;
}

/* Linux before 5.12 has no mount_setattr; there only the top mount of a tree can be changed, and only once attached. */
static int
set_attributes (int mount_fd, uint64_t flags, struct k_mount_attr attr)
{
  unsigned at = AT_EMPTY_PATH | (flags & MS_REC ? K_AT_RECURSIVE : 0);
  return attr.set == 0 && attr.clear == 0 ? 0 : k_mount_setattr (mount_fd, at, attr);
}

int
step_private_mounts (struct context *context, const struct step *step)
{
  (void) context, (void) step;
  return mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? fail ("/", "cannot make mounts private") : 0;
}

/* "size=65536k,mode=755" one by one; a word without "=" is a flag. */
static int
configure (int fs, const char *data)
{
  autofree char *copy = strdup (data);
  char *rest = copy;
  if (!copy)
    return -1;
  for (char *word; (word = strsep (&rest, ",")) != NULL;) {
    char *value = strchr (word, '=');
    if (value)
      *value++ = 0;
    if (*word && k_fsconfig (fs, value ? K_FSCONFIG_SET_STRING : K_FSCONFIG_SET_FLAG, word, value) < 0)
      return -1;
  }
  return 0;
}

int
make_mount (struct new_mount wanted)
{
  autoclose int fs = k_fsopen (wanted.type);
  if (fs < 0)
    return -1;
  if (*wanted.source && k_fsconfig (fs, K_FSCONFIG_SET_STRING, "source", wanted.source) < 0)
    return -1;
  if (configure (fs, wanted.data) < 0 || k_fsconfig (fs, K_FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
    return -1;
  return k_fsmount (fs, (unsigned) wanted.attributes);
}

/*
 * CVE-2019-16884: nothing may lie over a file by which the kernel speaks or is spoken to, by whatever link the target
 * leads there. A target that names /proc itself is one of those that may (src/launch/mount-checks.ts).
 */
bool
is_forbidden (int at, const char *target)
{
  struct statfs fs;
  if (strncmp (target, "/proc/", 6) == 0)
    return false;
  if (fstatfs (at, &fs) == 0 && fs.f_type != PROC_SUPER_MAGIC)
    return false;
  errno = EPERM;
  return true;
}

/*
 * CVE-2019-19921, CVE-2023-27561: with /proc or /sys a symlink, masks would be put over a copy and the real one left
 * open. There no component may be a link; elsewhere links are followed inside the root.
 */
static int
open_mount_target (struct context *context, const char *type, const char *path)
{
  if (strcmp (type, "proc") != 0 && strcmp (type, "sysfs") != 0)
    return root_directory (context, path);
  int fd = root_open (context, path, O_DIRECTORY, K_NO_SYMLINKS);
  if (fd >= 0 || errno != ENOENT)
    return fd;
  autoclose int made = root_directory (context, path);
  return made < 0 ? -1 : root_open (context, path, O_DIRECTORY, K_NO_SYMLINKS);
}

/* A tmpfs whose mode is not said has that of the directory it covers, as runc's; without one, the kernel's 1777. */
static int
configure_mode (struct context *context, const struct step *step, char *data, size_t size)
{
  const char *given = step_string (step, 4);
  struct stat st;
  int used = snprintf (data, size, "%s", given);
  if (strcmp (step_string (step, 0), "tmpfs") == 0 && !strstr (given, "mode=")) {
    autoclose int below = root_open (context, step_string (step, 2), O_DIRECTORY, 0);
    if (below >= 0 && fstat (below, &st) == 0)
      used = snprintf (data, size, "%s,mode=%o", given, st.st_mode & 07777);
  }
  errno = E2BIG;
  return (size_t) used < size ? 0 : -1;
}

int
step_mount (struct context *context, const struct step *step)
{
  const char *type = step_string (step, 0), *target = step_string (step, 2);
  struct k_mount_attr attr;
  if (!translate (step_integer (step, 3), &attr))
    return fail_with (EINVAL, target, "cannot mount %s: unsupported flag", type);
  char data[4096];
  if (configure_mode (context, step, data, sizeof data) < 0)
    return fail (target, "cannot read the mode of the mount point for %s", type);
  autoclose int at = open_mount_target (context, type, target);
  if (at < 0 || (strcmp (type, "proc") != 0 && is_forbidden (at, target)))
    return fail (target, "cannot open the mount point for %s", type);
  struct new_mount wanted = { type, step_string (step, 1), data, attr.set };
  autoclose int made = make_mount (wanted);
  if (made < 0)
    return fail (target, "cannot mount %s", type);
  return k_attach (made, at) < 0 ? fail (target, "cannot attach %s", type) : 0;
}

int
set_flags (int mount_fd, uint64_t flags)
{
  struct k_mount_attr attr;
  errno = EINVAL;
  return translate (flags, &attr) ? set_attributes (mount_fd, flags, attr) : -1;
}

int
step_remount (struct context *context, const struct step *step)
{
  const char *target = step_string (step, 0);
  uint64_t flags = step_integer (step, 1);
  struct k_mount_attr attr;
  if (!translate (flags, &attr))
    return fail_with (EINVAL, target, "cannot remount: unsupported flag");
  autoclose int at = root_open (context, target, 0, 0);
  if (at < 0 || set_attributes (at, flags, attr) < 0)
    return fail (target, "cannot remount");
  return 0;
}
