#include "locks.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "system.h"
#include "util.h"

enum { MAX_LOCKS = 512 };

/* Little endian: u32 slot, u32 bytes of the path that follows; none asks to release what the slot holds. */
struct request {
  uint32_t slot, length;
};

/* u32 slot, u32 errno: 0 for done. */
struct answer {
  uint32_t slot, error;
};

static bool
read_whole (void *bytes, size_t size)
{
  for (size_t done = 0; done < size;) {
    ssize_t got = read (STDIN_FILENO, (char *) bytes + done, size - done);
    if (got == 0 || (got < 0 && errno != EINTR))
      return false;
    done += got > 0 ? (size_t) got : 0;
  }
  return true;
}

/* Never waits, so that one request cannot hold up the others: who finds a lock taken waits in a helper of its own. */
static int
take (int *held, const char *path)
{
  if (*held >= 0)
    return EBUSY;
  *held = lock_file (path, LOCK_NB);
  return *held < 0 ? errno : 0;
}

int
serve_locks (void)
{
  int held[MAX_LOCKS];
  char path[PATH_MAX];
  struct request request;
  memset (held, -1, sizeof held);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  while (read_whole (&request, sizeof request)) {
    uint32_t slot = le32toh (request.slot);
    uint32_t length = le32toh (request.length);
    if (slot >= MAX_LOCKS || length >= sizeof path || !read_whole (path, length))
      return EXIT_OURS;
    path[length] = '\0';
    int error = 0;
    if (length > 0)
      error = take (&held[slot], path);
    else
      close_descriptor (&held[slot]);
    struct answer answer = { .slot = request.slot, .error = htole32 ((uint32_t) error) };
    if (write_all (STDOUT_FILENO, &answer, sizeof answer) < 0)
      return EXIT_OURS;
  }
  return 0;
}
