#include "root-files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "root.h"

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
  if (mkdirat (dir, name, 0700) < 0) /* What is there is no directory: it would have been opened. */
    return fail_with (errno == EEXIST ? ENOTDIR : errno, path, "cannot make directory");
  autoclose int made = openat (dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (made < 0 || fchown (made, (uid_t) step_integer (step, 2), (gid_t) step_integer (step, 3)) < 0
      || fchmod (made, mode) < 0)
    return fail (path, "cannot set owner and mode");
  return 0;
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
