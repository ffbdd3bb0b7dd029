#include "reap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

bool
reap (pid_t child, int options, int *status)
{
  for (;;) {
    int one;
    pid_t pid = waitpid (-1, &one, options);
    if (pid == child)
      *status = one;
    if (pid == 0 || (pid < 0 && errno != EINTR))
      return pid < 0;
    if (pid > 0 && options == 0)
      return false;
  }
}

void
end_orphans (pid_t child)
{
  char path[64];
  int status;
  snprintf (path, sizeof path, "/proc/self/task/%d/children", (int) getpid ());
  for (bool none = reap (child, WNOHANG, &status); !none; none = reap (child, 0, &status)) {
    FILE *children = fopen (path, "re");
    int pid;
    bool killed = false;
    while (children && fscanf (children, "%d", &pid) == 1)
      killed |= kill (pid, SIGKILL) == 0;
    if (children)
      fclose (children);
    if (!killed)
      return;
  }
}
