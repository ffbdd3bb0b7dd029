#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void
close_descriptor (int *fd)
{
  int saved = errno;
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
  errno = saved;
}

void
free_pointer (void *pointer)
{
  free (*(void **) pointer);
}

long long
monotonic_time (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int
write_all (int fd, const void *bytes, size_t size)
{
  for (const char *at = bytes; size > 0;) {
    ssize_t wrote = write (fd, at, size);
    if (wrote < 0 && errno != EINTR)
      return -1;
    if (wrote > 0) {
      at += wrote;
      size -= (size_t) wrote;
    }
  }
  return 0;
}

int
write_file (const char *path, const char *bytes, size_t size)
{
  autoclose int fd = open (path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return -1;
  ssize_t wrote = write (fd, bytes, size);
  if (wrote >= 0 && (size_t) wrote != size)
    errno = EIO;
  return wrote >= 0 && (size_t) wrote == size ? 0 : -1;
}

int
status_of (int status)
{
  return WIFSIGNALED (status) ? EXIT_BY_SIGNAL + WTERMSIG (status) : WEXITSTATUS (status);
}

int
open_directory_of (const char *path)
{
  const char *slash = strrchr (path, '/');
  autofree char *directory = slash && slash > path ? strndup (path, (size_t) (slash - path)) : strdup ("/");
  return directory ? open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

bool
unix_address (struct sockaddr_un *address, int directory, const char *name)
{
  const size_t room = sizeof address->sun_path;
  *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
  return snprintf (address->sun_path, room, "/proc/self/fd/%d/%s", directory, name) < (int) room;
}

/*
 * CVE-2025-31133: an image or a racing container may have put something else at /dev/null. What a link leads to is not
 * even opened, it may be a descriptor of ours; a FIFO is not waited for.
 */
int
open_null (int flags)
{
  struct stat st;
  int fd = open ("/dev/null", flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0)
    return -1;
  if (fstat (fd, &st) == 0 && S_ISCHR (st.st_mode) && st.st_rdev == makedev (1, 3))
    return fd;
  close (fd);
  errno = ENODEV;
  return -1;
}

void
raise_file_limit (struct context *context)
{
  struct rlimit limit;
  if (context->files_raised || getrlimit (RLIMIT_NOFILE, &limit) < 0)
    return;
  context->files = limit;
  limit.rlim_cur = limit.rlim_max;
  context->files_raised = setrlimit (RLIMIT_NOFILE, &limit) == 0;
}

void
die_with_supervisor (const struct context *context)
{
  if (context->supervisor < 0)
    return;
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  /* It may have died before the prctl; getppid is no help inside a pid namespace. */
  struct pollfd end = { .fd = context->supervisor, .events = 0 };
  if (poll (&end, 1, 0) > 0 && end.revents & POLLHUP)
    _exit (EXIT_OURS);
}
