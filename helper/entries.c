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
#include "levels.h"
#include "links.h"
#include "walk.h"

static const struct owner owner = { OF_RECORD, OF_RECORD, false };

struct builder {
  struct record_reader reader;
  int *tars;
  size_t tar_count;
  struct levels levels;
};

/* `name` is in the current directory. */
static int
refuse_entry (const struct builder *builder, int error, const char *name, const char *what)
{
  char object[PATH_MAX + NAME_MAX];
  snprintf (object, sizeof object, "%s/%s", builder->levels.path, name);
  return fail_with (error, object, "%s", what);
}

static int
fail_entry (const struct builder *builder, const char *name, const char *what)
{
  char text[64];
  int error = errno;
  snprintf (text, sizeof text, "cannot %s", what);
  return refuse_entry (builder, error, name, text);
}

static int
enter_directory (struct builder *builder, const struct record *record, int parent)
{
  if (mkdirat (parent, record->name, 0700) < 0)
    return fail_entry (builder, record->name, "make directory");
  int fd = openat (parent, record->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return fail_entry (builder, record->name, "open directory");
  return enter_level (&builder->levels, fd, record->name, record) < 0
           ? fail_entry (builder, record->name, "enter directory")
           : 0;
}

static int
leave_directory (struct builder *builder)
{
  const char *path = builder->levels.path;
  return leave_level (&builder->levels, owner) < 0 ? fail (*path ? path : "/", "cannot set metadata of directory") : 0;
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
    return refuse_entry (builder, EPROTO, record->name, "entry stream: data outside the tars");
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
    return refuse_entry (builder, EINVAL, record->name, "cannot link to a target that is not a file");
  int linked = link_to (builder->levels.level[0].fd, record->target, dir, record->name);
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
    return refuse_entry (builder, EINVAL, record->name, "entry stream: not a file name");
  int dir = innermost (&builder->levels);
  if (record->operation == OP_DIR)
    return enter_directory (builder, record, dir);
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
  if (enter_level (&builder->levels, root, "", &record) < 0)
    return fail ("", "cannot remember a directory");
  while (builder->levels.depth > 0) {
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
  for (size_t i = 0; builder && builder->tars && i < builder->tar_count; i++)
    close (builder->tars[i]);
  if (builder) {
    free_levels (&builder->levels);
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
