/*
 * Everything is done to a (directory descriptor, single name) pair with O_EXCL and O_NOFOLLOW: whatever the names are,
 * nothing can be reached that this stream did not make. Few system calls per file: an image has 65,000.
 */
#include "entries.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "data.h"
#include "links.h"
#include "meta.h"
#include "walk.h"

#define MAX_DEPTH 1000

static const struct owner owner = { OF_RECORD, OF_RECORD, false };

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
  if (set_meta (owner, &record, top->fd) < 0)
    return fail (top->path_length ? builder->path : "/", "cannot set metadata of directory");
  close (top->fd);
  free (top->meta);
  builder->depth--;
  return 0;
}

static int
fill_file (const struct builder *builder, int fd, const struct record *record)
{
  int64_t size = (int64_t) record->third;
  int64_t copied = copy_data (builder->tars[record->first], (int64_t) record->second, fd, size);
  if (copied >= 0 && copied < size)
    errno = ENODATA;
  return copied == size ? 0 : -1;
}

static int
create_file (struct builder *builder, const struct record *record, int dir)
{
  if (record->first >= builder->tar_count || record->second > INT64_MAX || record->third > INT64_MAX - record->second)
    return fail_with (EPROTO, path_of (builder, record->name), "entry stream: data outside the tars");
  autoclose int fd = openat (dir, record->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail_entry (builder, record->name, "create file");
  if (fill_file (builder, fd, record) < 0)
    return fail_entry (builder, record->name, "write the data of file");
  return set_meta (owner, record, fd) < 0 ? fail_entry (builder, record->name, "set metadata of file") : 0;
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
  return set_meta_at (owner, record, dir) < 0 ? fail_entry (builder, record->name, "set metadata of") : 0;
}

static int
create_link (struct builder *builder, const struct record *record, int dir)
{
  const char *slash = strrchr (record->target, '/');
  if (!is_name (slash ? slash + 1 : record->target))
    return fail_with (EINVAL, path_of (builder, record->name), "cannot link to a target that is not a file");
  int linked = link_to (builder->stack[0].fd, record->target, dir, record->name);
  return linked < 0 ? fail_entry (builder, record->name, "create hard link") : 0;
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
  if (!builder->reader.buffer)
    return fail ("", "cannot create entries");
  if (open_tars (builder, step) < 0)
    return -1;
  int root = openat (context->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return root < 0 ? fail ("", "cannot open the root directory") : create_all (builder, root);
}
