/*
 * The records of records.h, a file's data right behind its record: `third` bytes of it. A directory's entries follow it
 * up to its `up`. The tree may be a running container's, which changes it meanwhile: nothing is followed but the path
 * that was asked for, and that inside the root; what was opened is asked again what it is. Nothing here goes through
 * /proc, which is the container's own by now.
 */
#include "tree-read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "kernel.h"
#include "links.h"
#include "record-writer.h"
#include "root.h"
#include "walk.h"

/* Flags of the step. */
enum { FOLLOW = 1, ALONE = 2 };

struct reader {
  bool alone; /* the top's record and no more */
  struct links links;
  char path[TREE_PATH_BYTES]; /* of what is being read, below the top */
  struct record_writer writer;
};

static int read_directory (struct reader *reader, int fd, int depth);

static int
put_xattr (struct reader *reader, int fd, const char *name)
{
  char value[XATTR_SIZE_MAX];
  ssize_t size = fgetxattr (fd, name, value, sizeof value);
  /* Gone since it was listed, or not for us. */
  return size < 0 ? 0 : put_xattr_value (&reader->writer, name, value, (size_t) size);
}

static int
put_xattrs (struct reader *reader, int fd)
{
  autofree char *names = malloc (XATTR_LIST_MAX);
  ssize_t size = names ? flistxattr (fd, names, XATTR_LIST_MAX) : 0;
  int left = 255;
  for (const char *name = names; size > 0 && name < names + size && left > 0; name += strlen (name) + 1, left--)
    if (put_xattr (reader, fd, name) < 0)
      return -1;
  return names ? 0 : -1;
}

/* As many bytes as the record promised, whatever became of the file since: tar(1) fills up with zeros too. */
static int
send_data (struct reader *reader, int fd, uint64_t size)
{
  uint8_t buffer[128 << 10];
  while (size > 0) {
    size_t wanted = size < sizeof buffer ? (size_t) size : sizeof buffer;
    ssize_t got = read (fd, buffer, wanted);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -1;
    if (got == 0)
      memset (buffer, 0, (size_t) (got = (ssize_t) wanted));
    if (write_all (reader->writer.fd, buffer, (size_t) got) < 0)
      return -1;
    size -= (uint64_t) got;
  }
  return 0;
}

static int
read_file (struct reader *reader, int fd, const char *name, const struct stat *st)
{
  if (begin_record (&reader->writer, OP_FILE, name, st) < 0 || put_xattrs (reader, fd) < 0)
    return -1;
  put_number (reader->writer.bytes + 48, (uint64_t) st->st_size, 8);
  if (end_record (&reader->writer) < 0)
    return -1;
  return reader->alone ? 0 : send_data (reader, fd, (uint64_t) st->st_size);
}

/* The kernel's own files tell of the host, change as they are read, and some block. */
static bool
is_of_kernel (int fd)
{
  struct statfs fs;
  return fstatfs (fd, &fs) < 0 || fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC
         || fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC;
}

static int
read_subdirectory (struct reader *reader, int fd, const char *name, int depth)
{
  struct stat st;
  if (fstat (fd, &st) < 0 || begin_record (&reader->writer, OP_DIR, name, &st) < 0 || put_xattrs (reader, fd) < 0
      || end_record (&reader->writer) < 0)
    return -1;
  if (reader->alone)
    return 0;
  errno = ENAMETOOLONG;
  if (depth == MAX_TREE_DEPTH || (!is_of_kernel (fd) && read_directory (reader, fd, depth + 1) < 0))
    return -1;
  return begin_record (&reader->writer, OP_UP, "", &st) < 0 ? -1 : end_record (&reader->writer);
}

static int
read_link (struct reader *reader, int dir, const char *name, const struct stat *st)
{
  char target[PATH_MAX];
  ssize_t size = readlinkat (dir, name, target, sizeof target - 1);
  if (size < 0)
    return -1;
  target[size] = 0;
  return write_target (&reader->writer, OP_SYMLINK, name, target, st);
}

static int
read_node (struct reader *reader, const char *name, const struct stat *st)
{
  if (begin_record (&reader->writer, OP_NODE, name, st) < 0)
    return -1;
  put_number (reader->writer.bytes + 32, major (st->st_rdev), 4);
  put_number (reader->writer.bytes + 40, minor (st->st_rdev), 8);
  return end_record (&reader->writer);
}

/* 1: sent as a link to its first name; 0: this is the first. */
static int
read_other_name (struct reader *reader, const char *name, const struct stat *st)
{
  const char *first;
  int known = st->st_nlink > 1 && *reader->path ? first_name (&reader->links, st, reader->path + 1, &first) : 0;
  if (known <= 0)
    return known;
  return write_target (&reader->writer, OP_LINK, name, first, st) < 0 ? -1 : 1;
}

/* Opened without following and without waiting; somebody may have put something else there since it was looked at. */
static int
read_opened (struct reader *reader, int dir, const char *name, int depth)
{
  struct stat st;
  autoclose int fd = openat (dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0 || fstat (fd, &st) < 0)
    return -1;
  if (S_ISDIR (st.st_mode))
    return read_subdirectory (reader, fd, name, depth);
  errno = ESTALE;
  return S_ISREG (st.st_mode) ? read_file (reader, fd, name, &st) : -1;
}

static int
read_entry (struct reader *reader, int dir, const char *name, int depth)
{
  struct stat st;
  if (fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT && depth > 0 ? 0 : -1;
  if (S_ISDIR (st.st_mode))
    return read_opened (reader, dir, name, depth);
  int linked = read_other_name (reader, name, &st);
  if (linked != 0)
    return linked < 0 ? -1 : 0;
  if (S_ISREG (st.st_mode))
    return read_opened (reader, dir, name, depth);
  /* A socket is nothing without the process that listens. */
  if (S_ISSOCK (st.st_mode))
    return 0;
  return S_ISLNK (st.st_mode) ? read_link (reader, dir, name, &st) : read_node (reader, name, &st);
}

static int
read_directory (struct reader *reader, int fd, int depth)
{
  size_t length = strlen (reader->path);
  autolisting DIR *listing = open_listing (fd, ".");
  if (!listing)
    return -1;
  for (const struct dirent *next; (next = next_entry (listing)) != NULL;) {
    /* On a failure the path is left for the message. */
    if (append_name (reader->path, length, next->d_name) < 0 || read_entry (reader, fd, next->d_name, depth) < 0)
      return -1;
    reader->path[length] = 0;
  }
  return errno ? -1 : 0;
}

/* What a link leads to. Looked at first: opening a device can do something. */
static int
read_followed (struct reader *reader, const struct context *context, const char *path)
{
  struct k_open_how how = { O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0, K_IN_ROOT | K_NO_MAGICLINKS };
  struct stat st;
  autoclose int place = root_open (context, path, 0, 0);
  if (place < 0 || fstat (place, &st) < 0)
    return -1;
  if (S_ISDIR (st.st_mode))
    return read_opened (reader, place, ".", 0);
  if (!S_ISREG (st.st_mode))
    return read_node (reader, ".", &st);
  autoclose int fd = k_openat2 (context->root, path, how);
  if (fd < 0 || fstat (fd, &st) < 0)
    return -1;
  errno = ESTALE;
  return S_ISREG (st.st_mode) ? read_file (reader, fd, ".", &st) : -1;
}

/* The link itself: the path's last component in its directory, links on the way there followed inside the root. */
static int
read_named (struct reader *reader, const struct context *context, const char *path)
{
  const char *slash = strrchr (path, '/');
  char parent[PATH_MAX];
  snprintf (parent, sizeof parent, "%.*s/", slash ? (int) (slash - path) : 0, path);
  autoclose int dir = root_open (context, parent, O_DIRECTORY, 0);
  return dir < 0 ? -1 : read_entry (reader, dir, slash ? slash + 1 : path, 0);
}

static void
free_reader (struct reader **reader)
{
  if (*reader)
    free_links (&(*reader)->links);
  free (*reader);
}

/* Arguments: path without a slash at its end, descriptor, flags. */
int
step_read_tree (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0);
  uint64_t flags = step_integer (step, 2);
  raise_file_limit (context);
  __attribute__ ((cleanup (free_reader))) struct reader *reader = calloc (1, sizeof *reader);
  if (!reader)
    return fail ("", "cannot read files");
  reader->writer.fd = (int) step_integer (step, 1);
  reader->alone = flags & ALONE;
  bool follow = flags & FOLLOW || strcmp (path, "/") == 0;
  if ((follow ? read_followed : read_named) (reader, context, path) == 0)
    return 0;
  int error = errno;
  char object[PATH_MAX + TREE_PATH_BYTES];
  snprintf (object, sizeof object, "%s%s", path, reader->path);
  return fail_with (error, object, "cannot read");
}
