/* A container's only program in the launch tests: does one thing per command, says what came of it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static int
say (const char *what, int result)
{
  printf ("%s %s\n", what, result < 0 ? strerrorname_np (errno) : "ok");
  return 0;
}

static int
list (const char *path)
{
  DIR *dir = opendir (path);
  if (!dir)
    return say (path, -1);
  for (struct dirent *entry; (entry = readdir (dir)) != NULL;)
    if (entry->d_name[0] != '.')
      printf ("%s\n", entry->d_name);
  return 0;
}

static int
cat (const char *path)
{
  char buffer[65536];
  int fd = strcmp (path, "-") ? open (path, O_RDONLY) : 0;
  if (fd < 0)
    return say (path, -1);
  for (ssize_t count; (count = read (fd, buffer, sizeof buffer)) > 0;)
    fwrite (buffer, 1, (size_t) count, stdout);
  return 0;
}

static int
eat (size_t bytes)
{
  for (size_t done = 0; done < bytes; done += 1 << 20) {
    char *chunk = mmap (NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED)
      return say ("mmap", -1);
    memset (chunk, 1, 1 << 20);
  }
  return say ("eat", 0);
}

static int
forks (int count)
{
  int made = 0;
  while (made < count && fork () != 0) {
    if (errno == EAGAIN)
      break;
    made++;
  }
  if (getpid () != 1)
    pause ();
  printf ("forks %d\n", made);
  return 0;
}

static int
descriptors (void)
{
  for (int fd = 0; fd < 1024; fd++)
    if (fcntl (fd, F_GETFD) >= 0)
      printf ("%d ", fd);
  puts ("");
  return 0;
}

/* "NUMBER[,ARGUMENT...]" */
static int
call (const char *text)
{
  unsigned long words[7] = { 0 };
  char *end;
  for (int i = 0; i < 7 && *text; i++, text = *end ? end + 1 : end)
    words[i] = strtoul (text, &end, 0);
  long result = syscall ((long) words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
  printf ("%lu %s\n", words[0], result < 0 ? strerrorname_np (errno) : "ok");
  return 0;
}

static int
one (char **argv)
{
  const char *command = argv[0], *path = argv[1];
  char text[4096];
  if (!strcmp (command, "list"))
    return list (path);
  if (!strcmp (command, "cat"))
    return cat (path);
  if (!strcmp (command, "call"))
    return call (path);
  if (!strcmp (command, "open"))
    return say (path, open (path, O_RDONLY));
  if (!strcmp (command, "write")) {
    int fd = open (path, O_WRONLY);
    return say (path, fd < 0 ? -1 : (int) write (fd, "0", 1));
  }
  if (!strcmp (command, "create"))
    return say (path, open (path, O_WRONLY | O_CREAT | O_EXCL, 0666));
  if (!strcmp (command, "disk"))
    return say (path, mknod (path, S_IFCHR | 0600, makedev (1, 11)) < 0 ? -1 : open (path, O_RDONLY));
  if (!strcmp (command, "mount-cgroup"))
    return say (path, mount ("cgroup", path, "cgroup", 0, "pids"));
  if (!strcmp (command, "chmod"))
    return say (path, chmod (path, 0600));
  if (!strcmp (command, "link"))
    return printf ("%.*s\n", (int) readlink (path, text, sizeof text), text);
  if (!strcmp (command, "mode")) {
    struct stat st;
    return stat (path, &st) < 0 ? say (path, -1) : printf ("%o %u:%u\n", st.st_mode, st.st_uid, st.st_gid);
  }
  fprintf (stderr, "unknown command: %s\n", command);
  return 1;
}

/* Commands with their one operand, several in a row; those without come last. */
int
main (int argc, char **argv)
{
  extern char **environ;
  for (int i = 1; i < argc; i += 2) {
    if (!strcmp (argv[i], "exit"))
      return atoi (argv[i + 1]);
    else if (!strcmp (argv[i], "crash"))
      *(volatile int *) (uintptr_t) atoi (argv[i + 1]) = 0;
    else if (!strcmp (argv[i], "eat"))
      eat ((size_t) atoi (argv[i + 1]) << 20);
    else if (!strcmp (argv[i], "forks"))
      forks (atoi (argv[i + 1]));
    else if (!strcmp (argv[i], "descriptors"))
      descriptors ();
    else if (!strcmp (argv[i], "pid"))
      printf ("pid %d\n", getpid ());
    else if (!strcmp (argv[i], "umask"))
      printf ("umask %03o\n", umask (0));
    else if (!strcmp (argv[i], "cwd"))
      printf ("cwd %s\n", getcwd (NULL, 0));
    else if (!strcmp (argv[i], "env"))
      for (char **entry = environ; *entry; entry++)
        puts (*entry);
    else
      one (argv + i);
    fflush (stdout);
  }
  return 0;
}
