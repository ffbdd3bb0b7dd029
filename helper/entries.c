/*
 * Everything is done to a (directory descriptor, single name) pair with O_EXCL and O_NOFOLLOW: whatever the names are,
 * nothing can be reached that this stream did not make. Few system calls per file: an image has 65,000.
 */
#include "entries.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "kernel.h"
#include "records.h"
#include "walk.h"

#define MAX_DEPTH 1000
/* Below this a read and a write are faster than copy_file_range, which sets up a pipe inside the kernel each time. */
#define SMALL_FILE ((size_t) 128 << 10)
/* uid or gid to leave as it is, for helpers that may not chown. */
#define KEEP_ID ((uint32_t) -1)

struct directory {
  int fd;
  size_t path_length; /* of the path up to and including this directory */
  uint8_t *meta;      /* copy of the record, applied when the directory is left */
  size_t meta_size;
};

struct builder {
  struct record_reader reader;
  int *tars;
  size_t tar_count;
  uint8_t *copy; /* SMALL_FILE bytes */
  struct directory stack[MAX_DEPTH + 1];
  size_t depth;
  char path[MAX_DEPTH * 64]; /* for messages: cut where it does not fit */
};

/* Path of `name` in the current directory, for a message. */
static const char *
path_of (struct builder *builder, const char *name)
{
  size_t at = builder->depth > 0 ? builder->stack[builder->depth - 1].path_length : 0;
  snprintf (builder->path + at, sizeof builder->path - at, "/%s", name);
  return builder->path;
}

static int
fail_entry (struct builder *builder, const char *name, const char *what)
{
  return fail (path_of (builder, name), "cannot %s", what);
}

/* On `fd`, or through /proc for descriptors that only stand for a path (symlinks, devices). */
static int
apply_xattrs (const struct record *record, int fd, bool path_only)
{
  const uint8_t *at = record->xattrs;
  char link[32];
  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  for (uint32_t i = 0; i < record->xattr_count; i++) {
    const char *name;
    struct argument value;
    errno = EPROTO;
    if (!next_xattr (&at, record->end, &name, &value))
      return -1;
    int result = path_only ? setxattr (link, name, value.bytes, value.length, 0)
                           : fsetxattr (fd, name, value.bytes, value.length, 0);
    if (result < 0)
      return -1;
  }
  return 0;
}

static struct timespec *
times_of (const struct record *record, struct timespec times[2])
{
  times[0] = times[1] = record->mtime;
  return times;
}

/*
 * Owner first, since chown clears setuid bits and file capabilities; then attributes, since an ACL changes the mode;
 * time last.
 */
static int
apply_meta (const struct record *record, int fd)
{
  struct timespec times[2];
  if ((record->uid != KEEP_ID || record->gid != KEEP_ID) && fchown (fd, record->uid, record->gid) < 0)
    return -1;
  if (record->xattr_count > 0 && apply_xattrs (record, fd, false) < 0)
    return -1;
  return fchmod (fd, record->mode & 07777) < 0 ? -1 : futimens (fd, times_of (record, times));
}

/* The same for what cannot be opened. The name is ours alone: nobody else can write to a tree being built. */
static int
apply_meta_at (const struct record *record, int dir)
{
  struct timespec times[2];
  if ((record->uid != KEEP_ID || record->gid != KEEP_ID)
      && fchownat (dir, record->name, record->uid, record->gid, AT_SYMLINK_NOFOLLOW) < 0)
    return -1;
  if (record->xattr_count > 0) {
    autoclose int fd = openat (dir, record->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || apply_xattrs (record, fd, true) < 0)
      return -1;
  }
  if (record->operation == OP_NODE && fchmodat (dir, record->name, record->mode & 07777, 0) < 0)
    return -1;
  return utimensat (dir, record->name, times_of (record, times), AT_SYMLINK_NOFOLLOW);
}

static int
push (struct builder *builder, int fd, const struct record *record)
{
  struct directory *top = &builder->stack[builder->depth];
  *top = (struct directory){ .fd = fd, .meta = malloc (record->size), .meta_size = record->size };
  if (!top->meta)
    return fail ("", "cannot remember a directory");
  memcpy (top->meta, record->end - record->size, record->size);
  top->path_length = builder->depth > 0 ? strlen (builder->path) : 0;
  builder->depth++;
  return 0;
}

static int
enter_directory (struct builder *builder, const struct record *record)
{
  int parent = builder->stack[builder->depth - 1].fd;
  if (builder->depth > MAX_DEPTH) {
    errno = ENAMETOOLONG;
    return fail_entry (builder, record->name, "make directory");
  }
  if (mkdirat (parent, record->name, 0700) < 0)
    return fail_entry (builder, record->name, "make directory");
  int fd = openat (parent, record->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return fail_entry (builder, record->name, "open directory");
  path_of (builder, record->name);
  return push (builder, fd, record);
}

static int
leave_directory (struct builder *builder)
{
  struct directory *top = &builder->stack[builder->depth - 1];
  struct record record;
  builder->path[top->path_length] = 0;
  parse_record (top->meta, top->meta_size, &record);
  if (apply_meta (&record, top->fd) < 0)
    return fail (top->path_length ? builder->path : "/", "cannot set metadata of directory");
  close (top->fd);
  free (top->meta);
  builder->depth--;
  return 0;
}

static int
copy_small (struct builder *builder, int out, const struct record *record)
{
  size_t size = (size_t) record->third;
  ssize_t got = pread (builder->tars[record->first], builder->copy, size, (off_t) record->second);
  if (got >= 0 && (size_t) got != size)
    errno = ENODATA;
  return got < 0 || (size_t) got != size ? -1 : write_all (out, builder->copy, size);
}

/* Through user space, where the kernel cannot copy between these file systems. */
static int
copy_chunks (struct builder *builder, int out, struct record rest)
{
  while (rest.third > 0) {
    struct record part = rest;
    part.third = rest.third < SMALL_FILE ? rest.third : SMALL_FILE;
    if (copy_small (builder, out, &part) < 0)
      return -1;
    rest.second += part.third;
    rest.third -= part.third;
  }
  return 0;
}

static int
copy_data (struct builder *builder, int out, const struct record *record)
{
  struct record rest = *record;
  if (rest.third <= SMALL_FILE)
    return rest.third == 0 ? 0 : copy_small (builder, out, record);
  while (rest.third > 0) {
    off_t offset = (off_t) rest.second;
    size_t size = rest.third < INT_MAX ? (size_t) rest.third : INT_MAX;
    ssize_t copied = copy_file_range (builder->tars[rest.first], &offset, out, NULL, size, 0);
    if (copied < 0 && errno == EINTR)
      continue;
    if (copied < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
      return -1;
    /* EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EPERM by kernel and file system; 0 also from buggy ones, not only at the end. */
    if (copied <= 0)
      return copy_chunks (builder, out, rest);
    rest.second += (uint64_t) copied;
    rest.third -= (uint64_t) copied;
  }
  return 0;
}

static int
create_file (struct builder *builder, const struct record *record, int dir)
{
  if (record->first >= builder->tar_count || record->second > INT64_MAX || record->third > INT64_MAX - record->second)
    return fail_with (EPROTO, path_of (builder, record->name), "entry stream: data outside the tars");
  autoclose int fd = openat (dir, record->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail_entry (builder, record->name, "create file");
  if (copy_data (builder, fd, record) < 0)
    return fail_entry (builder, record->name, "write the data of file");
  return apply_meta (record, fd) < 0 ? fail_entry (builder, record->name, "set metadata of file") : 0;
}

static int
create_other (struct builder *builder, const struct record *record, int dir)
{
  bool symlink = record->operation == OP_SYMLINK;
  dev_t device = makedev (record->first, (unsigned) record->second);
  int made = symlink ? symlinkat (record->target, dir, record->name)
                     : mknodat (dir, record->name, record->mode & (S_IFMT | 0777), device);
  if (made < 0)
    return fail_entry (builder, record->name, symlink ? "create symlink" : "create device node");
  return apply_meta_at (record, dir) < 0 ? fail_entry (builder, record->name, "set metadata of") : 0;
}

static int
create_link (struct builder *builder, const struct record *record, int dir)
{
  struct k_open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                            .resolve = K_BENEATH | K_NO_SYMLINKS | K_NO_MAGICLINKS | K_NO_XDEV };
  const char *slash = strrchr (record->target, '/');
  const char *base = slash ? slash + 1 : record->target;
  if (!is_name (base))
    return fail_with (EINVAL, path_of (builder, record->name), "cannot link to a target that is not a file");
  autofree char *parent = slash ? strndup (record->target, (size_t) (slash - record->target)) : strdup (".");
  if (!parent)
    return fail_entry (builder, record->name, "create hard link");
  autoclose int from = k_openat2 (builder->stack[0].fd, parent, how);
  if (from < 0 || linkat (from, base, dir, record->name, 0) < 0)
    return fail_entry (builder, record->name, "create hard link");
  return 0;
}

static int
create_entry (struct builder *builder, const struct record *record)
{
  if (record->operation == OP_UP)
    return leave_directory (builder);
  if (record->operation == OP_ROOT || record->operation == OP_ENTER)
    return fail_with (EPROTO, "", "entry stream: a second root");
  if (!is_name (record->name))
    return fail_with (EINVAL, path_of (builder, record->name), "entry stream: not a file name");
  int dir = builder->stack[builder->depth - 1].fd;
  if (record->operation == OP_DIR)
    return enter_directory (builder, record);
  if (record->operation == OP_FILE)
    return create_file (builder, record, dir);
  return record->operation == OP_LINK ? create_link (builder, record, dir) : create_other (builder, record, dir);
}

static int
create_all (struct builder *builder, int root)
{
  struct record record;
  int begun = next_record (&builder->reader, &record);
  if (begun < 0)
    return -1;
  if (begun == 0 || record.operation != OP_ROOT)
    return fail_with (EPROTO, "", "entry stream: does not begin with a root");
  if (push (builder, root, &record) < 0)
    return -1;
  while (builder->depth > 0) {
    int more = next_record (&builder->reader, &record);
    if (more == 0)
      return fail_with (EPROTO, "", "entry stream: ends early");
    if (more < 0 || create_entry (builder, &record) < 0)
      return -1;
  }
  return at_end (&builder->reader) ? 0 : fail_with (EPROTO, "", "entry stream: goes on after its end");
}

static int
open_tars (struct builder *builder, const struct step *step)
{
  builder->tar_count = step->argc - 1;
  builder->tars = calloc (builder->tar_count + 1, sizeof *builder->tars);
  for (size_t i = 0; builder->tars && i < builder->tar_count; i++) {
    builder->tars[i] = open (step_string (step, i + 1), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (builder->tars[i] < 0)
      return fail (step_string (step, i + 1), "cannot open layer");
  }
  return builder->tars ? 0 : fail ("", "cannot open layers");
}

static void
free_builder (struct builder **pointer)
{
  struct builder *builder = *pointer;
  while (builder && builder->depth > 0) {
    struct directory *top = &builder->stack[--builder->depth];
    close (top->fd);
    free (top->meta);
  }
  for (size_t i = 0; builder && builder->tars && i < builder->tar_count; i++)
    close (builder->tars[i]);
  if (builder) {
    free (builder->tars);
    free (builder->reader.buffer);
    free (builder->copy);
  }
  free (builder);
}

int
step_create_entries (struct context *context, const struct step *step)
{
  raise_file_limit (context);
  __attribute__ ((cleanup (free_builder))) struct builder *builder = calloc (1, sizeof *builder);
  if (!builder)
    return fail ("", "cannot create entries");
  builder->reader = (struct record_reader){ .fd = (int) step_integer (step, 0), .buffer = malloc (MAX_RECORD_BYTES) };
  builder->copy = malloc (SMALL_FILE);
  if (!builder->reader.buffer || !builder->copy)
    return fail ("", "cannot create entries");
  if (open_tars (builder, step) < 0)
    return -1;
  int root = openat (context->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return root < 0 ? fail ("", "cannot open the root directory") : create_all (builder, root);
}
