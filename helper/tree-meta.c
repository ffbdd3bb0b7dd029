#include "tree-meta.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Owners an ordinary user's own files cannot have stay what they are. */
int
set_owner (struct owner owner, const struct record *record, int dir, const char *name)
{
  uid_t uid = owner.uid == OF_RECORD ? record->uid : (uid_t) owner.uid;
  gid_t gid = owner.gid == OF_RECORD ? record->gid : (gid_t) owner.gid;
  int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
  return fchownat (dir, name, uid, gid, flags) < 0 && errno != EPERM && errno != EINVAL ? -1 : 0;
}

static int
set_xattrs (const struct record *record, int fd)
{
  const uint8_t *at = record->xattrs;
  for (uint32_t i = 0; i < record->xattr_count; i++) {
    const char *name;
    struct argument value;
    errno = EPROTO;
    if (!next_xattr (&at, record->end, &name, &value))
      return -1;
    if (fsetxattr (fd, name, value.bytes, value.length, 0) < 0 && errno != EPERM && errno != ENOTSUP)
      return -1;
  }
  return 0;
}

/* Owner first: chown clears setuid bits and file capabilities. Time last. */
int
set_meta (struct owner owner, const struct record *record, int fd)
{
  struct timespec times[2] = { record->mtime, record->mtime };
  if (set_owner (owner, record, fd, "") < 0 || set_xattrs (record, fd) < 0)
    return -1;
  return fchmod (fd, record->mode & 07777) < 0 ? -1 : futimens (fd, times);
}
