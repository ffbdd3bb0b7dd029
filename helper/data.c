#include "data.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

/* Up to this much read and write are faster than copy_file_range, which sets up a pipe inside the kernel each time. */
#define CHUNK ((int64_t) 128 << 10)

static int64_t
smaller (int64_t one, int64_t other)
{
  return one < other ? one : other;
}

/* Through user space, where the kernel cannot copy between these file systems. */
static int64_t
copy_chunks (int from, int64_t offset, int to, int64_t size)
{
  char buffer[CHUNK];
  int64_t done = 0;
  while (done < size) {
    ssize_t got = pread (from, buffer, (size_t) smaller (size - done, CHUNK), offset + done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got == 0)
      break;
    if (got < 0 || write_all (to, buffer, (size_t) got) < 0)
      return -1;
    done += got;
  }
  return done;
}

int64_t
copy_data (int from, int64_t offset, int to, int64_t size)
{
  int64_t done = 0;
  while (size - done > CHUNK) {
    off_t at = offset + done;
    ssize_t copied = copy_file_range (from, &at, to, NULL, (size_t) smaller (size - done, INT_MAX), 0);
    if (copied < 0 && errno == EINTR)
      continue;
    if (copied < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
      return -1;
    /* EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EPERM by kernel and file system; 0 from buggy ones, not only at the end. */
    if (copied <= 0)
      break;
    done += copied;
  }
  int64_t rest = copy_chunks (from, offset + done, to, size - done);
  return rest < 0 ? -1 : done + rest;
}
