/* net: both ends of a connection, for containers of the network tests. Static, so that it is a whole image. */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in
address_of (const char *ip, const char *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((uint16_t) atoi (port)) };
  inet_pton (AF_INET, ip, &address.sin_addr);
  return address;
}

static int
failed (const char *what)
{
  perror (what);
  return 1;
}

static int
open_socket (int type, const char *ip, const char *port, int listening)
{
  struct sockaddr_in address = address_of (ip, port);
  struct timeval patience = { 3, 0 };
  int on = 1, fd = socket (AF_INET, type, 0);
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!listening)
    setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (!listening)
    setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  int done = listening ? bind (fd, (struct sockaddr *) &address, sizeof address)
                       : connect (fd, (struct sockaddr *) &address, sizeof address);
  if (done == 0 && listening && type == SOCK_STREAM)
    done = listen (fd, 16);
  return done == 0 ? fd : -1;
}

/* net tcp|udp IP PORT [TEXT]: prints the answer */
static int
ask (int type, char **argv, int argc)
{
  char answer[512];
  const char *text = argc > 4 ? argv[4] : "hello";
  int fd = open_socket (type, argv[2], argv[3], 0);
  if (fd < 0)
    return failed ("connect");
  if (write (fd, text, strlen (text)) < 0)
    return failed ("write");
  ssize_t size = read (fd, answer, sizeof answer);
  if (size <= 0)
    return failed ("read");
  printf ("%.*s\n", (int) size, answer);
  return 0;
}

/* net serve-tcp|serve-udp PORT NAME: answers everybody with "NAME sees ADDRESS" */
static int
serve (int type, char **argv)
{
  struct sockaddr_in peer;
  char text[512], answer[256], name[64];
  int fd = open_socket (type, "0.0.0.0", argv[2], 1);
  if (fd < 0)
    return failed ("bind");
  puts ("ready");
  fflush (stdout);
  for (;;) {
    socklen_t length = sizeof peer;
    int one = type == SOCK_STREAM ? accept (fd, (struct sockaddr *) &peer, &length) : fd;
    if (type == SOCK_DGRAM && recvfrom (fd, text, sizeof text, 0, (struct sockaddr *) &peer, &length) < 0)
      continue;
    if (type == SOCK_STREAM && (one < 0 || read (one, text, sizeof text) <= 0))
      continue;
    inet_ntop (AF_INET, &peer.sin_addr, name, sizeof name);
    int size = snprintf (answer, sizeof answer, "%s sees %s", argv[3], name);
    sendto (one, answer, (size_t) size, 0, type == SOCK_STREAM ? NULL : (struct sockaddr *) &peer,
            type == SOCK_STREAM ? 0 : length);
    if (type == SOCK_STREAM)
      close (one);
  }
}

/* An advertisement of this machine as everybody's IPv6 router, in a frame. */
struct advertisement {
  struct ether_header frame;
  struct ip6_hdr ip;
  struct nd_router_advert body;
} __attribute__ ((packed));

/* RFC 4443, 2.3: over addresses, length, protocol and body, as the IPv6 header with the first eight bytes changed. */
static uint16_t
checksum_of (const struct advertisement *all)
{
  uint16_t words[(sizeof all->ip + sizeof all->body) / 2];
  uint32_t sum = htons (sizeof all->body) + htons (IPPROTO_ICMPV6);
  memcpy (words, &all->ip, sizeof words);
  for (size_t i = 4; i < sizeof words / 2; i++)
    sum += words[i];
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

/* net advertise INTERFACE: over the link, so that we need no IPv6 ourselves */
static int
advertise (const char *interface)
{
  struct advertisement all = {
    .frame = { .ether_dhost = { 0x33, 0x33, 0, 0, 0, 1 },
               .ether_shost = { 2, 0, 0, 0, 0, 0x66 },
               .ether_type = htons (ETHERTYPE_IPV6) },
    .ip = { .ip6_flow = htonl (6U << 28), .ip6_plen = htons (sizeof all.body), .ip6_nxt = IPPROTO_ICMPV6, .ip6_hlim = 255 },
    .body = { .nd_ra_type = ND_ROUTER_ADVERT, .nd_ra_router_lifetime = htons (1800) },
  };
  struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int) if_nametoindex (interface), .sll_halen = 6 };
  int fd = socket (AF_PACKET, SOCK_RAW, 0);
  inet_pton (AF_INET6, "fe80::66", &all.ip.ip6_src);
  inet_pton (AF_INET6, "ff02::1", &all.ip.ip6_dst);
  all.body.nd_ra_cksum = checksum_of (&all);
  if (fd < 0 || sendto (fd, &all, sizeof all, 0, (struct sockaddr *) &to, sizeof to) != sizeof all)
    return failed ("advertise");
  puts ("advertised");
  return 0;
}

static int
print_files (char **argv)
{
  for (; *argv; argv++) {
    char line[1024];
    FILE *file = fopen (*argv, "r");
    if (!file)
      return failed (*argv);
    while (fgets (line, sizeof line, file))
      fputs (line, stdout);
    fclose (file);
  }
  return 0;
}

int
main (int argc, char **argv)
{
  const char *what = argc > 1 ? argv[1] : "";
  /* Process 1 of a container has no default action for it. */
  signal (SIGTERM, _exit);
  if (strcmp (what, "tcp") == 0 && argc > 3)
    return ask (SOCK_STREAM, argv, argc);
  if (strcmp (what, "udp") == 0 && argc > 3)
    return ask (SOCK_DGRAM, argv, argc);
  if (strcmp (what, "serve-tcp") == 0 && argc > 3)
    return serve (SOCK_STREAM, argv);
  if (strcmp (what, "serve-udp") == 0 && argc > 3)
    return serve (SOCK_DGRAM, argv);
  if (strcmp (what, "advertise") == 0 && argc > 2)
    return advertise (argv[2]);
  if (strcmp (what, "cat") == 0)
    return print_files (argv + 2);
  if (strcmp (what, "wait") == 0) {
    puts ("ready");
    fflush (stdout);
    pause ();
  }
  return what[0] == 0 ? 0 : 2;
}
