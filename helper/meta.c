#include "meta.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* uid or gid to leave as it is, for helpers that may not chown. */
#define KEEP_ID ((uint32_t) -1)

int
set_owner (struct owner owner, const struct record *record, int dir, const char *name)
{
  uid_t uid = owner.uid == OF_RECORD ? record->uid : (uid_t) owner.uid;
  gid_t gid = owner.gid == OF_RECORD ? record->gid : (gid_t) owner.gid;
  if (uid == KEEP_ID && gid == KEEP_ID)
    return 0;
  if (fchownat (dir, name, uid, gid, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH)) == 0)
    return 0;
  return owner.if_allowed && (errno == EPERM || errno == EINVAL) ? 0 : -1;
}

/* On `fd`, or at `path` for descriptors that only stand for one (symlinks, devices). */
static int
set_xattrs (struct owner owner, const struct record *record, int fd, const char *path)
{
  const uint8_t *at = record->xattrs;
  for (uint32_t i = 0; i < record->xattr_count; i++) {
    const char *name;
    struct argument value;
    errno = EPROTO;
    if (!next_xattr (&at, record->end, &name, &value))
      return -1;
    int result = path ? setxattr (path, name, value.bytes, value.length, 0)
                      : fsetxattr (fd, name, value.bytes, value.length, 0);
    if (result < 0 && !(owner.if_allowed && (errno == EPERM || errno == ENOTSUP)))
      return -1;
  }
  return 0;
}

/* Owner first: chown clears setuid bits and file capabilities. Attributes before the mode: an ACL changes it. */
int
set_meta (struct owner owner, const struct record *record, int fd)
{
  struct timespec times[2] = { record->mtime, record->mtime };
  if (set_owner (owner, record, fd, "") < 0 || set_xattrs (owner, record, fd, NULL) < 0)
    return -1;
  return fchmod (fd, record->mode & 07777) < 0 ? -1 : futimens (fd, times);
}

/*
 * What has just been made under a name. Where others may write to the target, the name may lead to something else by
 * now: a mode set by name would be set through their symlink (CVE-2025-47290).
 */
static int
open_made (const struct record *record, int dir)
{
  mode_t type = record->operation == OP_SYMLINK ? S_IFLNK : record->mode & S_IFMT;
  struct stat st;
  int fd = openat (dir, record->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || (fstat (fd, &st) == 0 && (st.st_mode & S_IFMT) == type && st.st_nlink == 1))
    return fd;
  close (fd);
  errno = ESTALE;
  return -1;
}

int
set_meta_at (struct owner owner, const struct record *record, int dir)
{
  struct timespec times[2] = { record->mtime, record->mtime };
  char path[32];
  autoclose int fd = open_made (record, dir);
  if (fd < 0)
    return -1;
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  if (set_owner (owner, record, fd, "") < 0 || set_xattrs (owner, record, fd, path) < 0)
    return -1;
  if (record->operation == OP_NODE && chmod (path, record->mode & 07777) < 0)
    return -1;
  return utimensat (AT_FDCWD, path, times, 0);
}
