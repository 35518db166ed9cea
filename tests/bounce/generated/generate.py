#!/usr/bin/env python3
"""Lets Debian's Postfix, Exim and Sendmail refuse each other's mail, and keeps their logs and error mails beside this file.

Run as root where Postfix and unbound are installed:
    unshare --net --mount --uts --pid --mount-proc --fork --kill-child python3 generate.py UNPACKED
UNPACKED is a folder into which exim4-daemon-light, sendmail-bin, sendmail-cf and m4 were unpacked with `dpkg-deb -x`: Debian lets only
one mail server be installed. README.md says what happens.
"""
import glob, os, re, shutil, signal, socket, subprocess, sys, tempfile, threading, time

ROOT = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
DIR = tempfile.mkdtemp(prefix="generated-")
os.chmod(DIR, 0o755)
EXIM = ROOT + "/usr/sbin/exim4"
SENDMAIL = ROOT + "/usr/libexec/sendmail/sendmail"
SBIN = "/usr/lib/postfix/sbin"
RUNNING = []

# Ours: no PTR, listed, a HELO name that does not resolve. Theirs: everything in order, they only refuse.
OURS = {"postfix": "203.0.113.25", "exim": "203.0.113.26", "sendmail": "203.0.113.27"}
THEIRS = {"partner.example": "192.0.2.25", "partner.example.net": "192.0.2.35"}
# Listed and without PTR; only without PTR; in order.
CLIENT, NAMELESS, GOOD = "198.51.100.7", "198.51.100.8", "198.51.100.9"


def sh(command, **more):
    return subprocess.run(["sh", "-ec", command], check=True, **more)


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


def start(*args):
    log = open(DIR + "/daemons.log", "a")
    process = subprocess.Popen(args, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    RUNNING.append(process)
    return process


def wait(ip, port=25):
    for _ in range(100):
        try:
            socket.create_connection((ip, port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nobody listens at {ip}:{port}: " + open(DIR + "/daemons.log").read()[-3000:])


def network():
    sh("ip link set lo up; mount --make-rprivate /")
    for ip in [*OURS.values(), *THEIRS.values(), CLIENT, NAMELESS, GOOD, "192.0.2.26"]:
        sh(f"ip addr add {ip}/32 dev lo")
    # A /dev of our own, with a /dev/log that writes a file.
    dev = DIR + "/dev"
    os.mkdir(dev)
    for name in ["null", "zero", "random", "urandom", "tty"]:
        open(f"{dev}/{name}", "w").close()
        sh(f"mount --bind /dev/{name} {dev}/{name}")
    sh(f"mount --rbind {dev} /dev")
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    threading.Thread(target=keep_syslog, args=(log,), daemon=True).start()
    write(DIR + "/resolv.conf", "nameserver 127.0.0.1\n")
    sh(f"mount --bind {DIR}/resolv.conf /etc/resolv.conf")
    write(DIR + "/hosts", "127.0.0.1 mail.example.co.jp localhost\n")
    sh(f"mount --bind {DIR}/hosts /etc/hosts")
    # Sendmail's mailboxes are accounts.
    people = "".join(f"{who}:x:{6000 + number}:6000::/nonexistent:/bin/false\n" for number, who in enumerate(["sales", *RESTRICTIONS]))
    write(DIR + "/passwd", open("/etc/passwd").read() + people)
    sh(f"mount --bind {DIR}/passwd /etc/passwd")
    socket.sethostname("mail.example.co.jp")


def keep_syslog(log):
    while True:
        text = log.recv(65536).decode(errors="replace").rstrip("\0\n")
        text = re.sub(r"^<\d+>", "", text)
        # "Nov 25 10:00:00 sm-mta[1]: x" has no host: syslog adds it.
        with open(DIR + "/syslog", "a") as file:
            file.write(text[:16] + "mail " + text[16:] + "\n")


def names():
    data = []
    for domain, ip in THEIRS.items():
        data += [f"{domain}. MX 10 mx.{domain}.", f"mx.{domain}. A {ip}", f"mx.{domain}. TXT \"v=spf1 -all\""]
    data += ["tls.example. MX 10 mx.tls.example.", "mx.tls.example. A 192.0.2.26"]
    data += ["example.co.jp. MX 10 in.example.co.jp.", "in.example.co.jp. A 203.0.113.25"]
    data += ["supplier.example. MX 10 mail.supplier.example.", "mail.supplier.example. A 192.0.2.99"]
    for ip in [*OURS.values(), CLIENT]:
        name = ".".join(reversed(ip.split("."))) + ".zen.spamhaus.org."
        data += [f"{name} A 127.0.0.2", f"{name} TXT \"https://check.spamhaus.org/query/ip/{ip}\""]
    lines = "".join(f"  local-data: '{line}'\n" for line in data)
    ptrs = "".join(f"  local-data-ptr: '{ip} mx.{domain}'\n" for domain, ip in THEIRS.items())
    ptrs += f"  local-data-ptr: '{GOOD} good.supplier.example'\n  local-data: 'good.supplier.example. A {GOOD}'\n"
    write(DIR + "/unbound.conf", f"""server:
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "{DIR}"
  pidfile: ""
  interface: 127.0.0.1
  local-zone: "." static
{lines}{ptrs}remote-control:
  control-enable: no
""")
    start("/usr/sbin/unbound", "-d", "-c", DIR + "/unbound.conf")
    time.sleep(1)


# What each recipient at a Postfix stands for.
RESTRICTIONS = {
    "listed": "reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]",
    "noptr": "reject_unknown_reverse_client_hostname",
    "noptr5": "reject_unknown_client_hostname",
    "helo": "reject_unknown_helo_hostname",
    "greylisted": "check_policy_service inet:127.0.0.1:10023",
    "sender": "reject_unknown_sender_domain",
}

SERVICES = """\
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 1 1 pickup
flush unix n - n 1000? 0 flush
showq unix n - n - - showq
"""


def postfix(name, ip, domain, helo, limit=20000, more=""):
    dir = f"{DIR}/{name}"
    for folder in "active bounce corrupt defer deferred flush hold incoming private saved trace public maildrop pid".split():
        os.makedirs(f"{dir}/queue/{folder}")
    os.makedirs(dir + "/data")
    os.makedirs(dir + "/mail")
    sh(f"cd {dir}; chown postfix data queue/* mail; chown root queue/pid; chgrp postdrop queue/public queue/maildrop; "
       "chmod 700 data queue/*; chmod 710 queue/public; chmod 730 queue/maildrop; chmod 755 queue/pid")
    user, group = sh("id -u postfix; id -g postfix", capture_output=True, text=True).stdout.split()
    classes = "".join(f"class_{who} = {rule}\n" for who, rule in RESTRICTIONS.items())
    access = "".join(f"{who}@{domain} class_{who}\n" for who in RESTRICTIONS)
    access += f"full@{domain} 552 5.2.2 Mailbox is full / over quota\n"
    write(dir + "/access", access)
    write(dir + "/main.cf", f"""compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = {SBIN}
maillog_file = {dir}/mail.log
maillog_file_prefixes = {DIR}
inet_interfaces = {ip}
inet_protocols = ipv4
smtp_bind_address = {ip}
myhostname = {helo}
myorigin = {domain}
mydestination =
mynetworks = {ip}/32
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = inline:{{ {{ sales@{domain} = sales/ }} {", ".join(f"{{ {w}@{domain} = box/ }}" for w in [*RESTRICTIONS, "full"])} }}
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{group}
virtual_transport = virtual
virtual_mailbox_limit = 0
smtpd_restriction_classes = {", ".join("class_" + who for who in RESTRICTIONS)}
{classes}smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination, check_recipient_access texthash:{dir}/access
smtpd_error_sleep_time = 0
message_size_limit = {limit}
mailbox_size_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 3600s
{more}
""")
    write(dir + "/master.cf", f"{ip}:25 inet n - n - - smtpd\n" + SERVICES)
    start(SBIN + "/master", "-c", dir, "-d")
    wait(ip)
    return dir


def greylist():
    """A policy service: whoever comes for the first time comes again."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", 10023))
    server.listen(50)
    seen = set()

    def serve(connection):
        asked = {}
        for line in connection.makefile("r"):
            line = line.strip()
            if line:
                name, _, value = line.partition("=")
                asked[name] = value
                continue
            key = (asked.get("client_address"), asked.get("sender"), asked.get("recipient"))
            action = "dunno" if key in seen else "450 4.2.0 Greylisted, please try again in 300 seconds"
            seen.add(key)
            connection.sendall(f"action={action}\n\n".encode())
            asked = {}

    def accept():
        while True:
            threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def exim(name, ip, domain, helo, limit=20000):
    dir = f"{DIR}/{name}"
    os.makedirs(dir + "/spool")
    os.makedirs(dir + "/mail")
    sh(f"chown Debian-exim {dir}/spool {dir}/mail")
    write(dir + "/exim.conf", f"""primary_hostname = {helo}
local_interfaces = {ip}
exim_path = {EXIM}
spool_directory = {dir}/spool
log_file_path = {dir}/spool/%slog
pid_file_path = {dir}/spool/exim.pid
keep_environment =
tls_advertise_hosts =
helo_try_verify_hosts = *
rfc1413_hosts =
message_size_limit = {limit}
qualify_domain = {domain}
timezone =
log_timezone = true
domainlist local_domains = {domain}
hostlist relay_hosts = {ip}
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  accept hosts = +relay_hosts
  deny message = relay not permitted
       domains = ! +local_domains
  deny local_parts = listed
       dnslists = zen.spamhaus.org=127.0.0.2
       message = $sender_host_address is listed at $dnslist_domain: $dnslist_text
  deny local_parts = noptr
       ! verify = reverse_host_lookup
       message = Reverse DNS lookup failed for $sender_host_address
  deny local_parts = helo
       ! verify = helo
       message = HELO verification failed for $sender_helo_name
  defer local_parts = greylisted
       message = Greylisted, please try again later
  deny local_parts = full
       message = 552 5.2.2 Mailbox is full
  require verify = recipient
  accept
begin routers
remote:
  driver = dnslookup
  domains = ! +local_domains
  transport = smtp
  no_more
local:
  driver = accept
  local_parts = sales : box : listed : noptr : helo : greylisted
  transport = box
begin transports
smtp:
  driver = smtp
  interface = {ip}
  helo_data = {helo}
  hosts_avoid_tls = ${{if eq{{$host_address}}{{192.0.2.26}}{{:}}{{*}}}}
box:
  driver = appendfile
  file = {dir}/mail/sales
  user = Debian-exim
begin retry
* * F,1h,1s
""")
    start(EXIM, "-C", dir + "/exim.conf", "-bdf")
    wait(ip)
    return dir


def sendmail(ip, domain, helo):
    dir = DIR + "/sendmail"
    os.makedirs(dir + "/queue")
    os.makedirs(dir + "/mail")
    cf = ROOT + "/usr/share/sendmail/cf"
    write(dir + "/sendmail.mc", f"""divert(-1)
define(`_CF_DIR_', `{cf}/')dnl
include(`{cf}/m4/cf.m4')
divert(0)dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{helo}')dnl
define(`QUEUE_DIR', `{dir}/queue')dnl
define(`STATUS_FILE', `{dir}/statistics')dnl
define(`confPID_FILE', `{dir}/pid')dnl
define(`ALIAS_FILE', `')dnl
define(`confTRUSTED_USER', `root')dnl
define(`confMAX_MESSAGE_SIZE', `40000')dnl
define(`confDEF_USER_ID', `0:0')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confTO_ICONNECT', `5s')dnl
define(`confMIN_QUEUE_AGE', `0')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe,GroupWritableIncludeFile,FileDeliveryToHardLink,FileDeliveryToSymLink,InsufficientEntropy')dnl
define(`LOCAL_MAILER_PATH', `{dir}/deliver')dnl
define(`LOCAL_MAILER_ARGS', `deliver $u')dnl
FEATURE(`nouucp', `reject')dnl
FEATURE(`enhdnsbl', `zen.spamhaus.org', `"550 5.7.1 Rejected: " $&{{client_addr}} " listed at zen.spamhaus.org"', `t', `127.0.0.2.')dnl
FEATURE(`require_rdns')dnl
FEATURE(`delay_checks')dnl
FEATURE(`no_default_msa')dnl
DAEMON_OPTIONS(`Name=MTA, Addr={ip}, Port=25')dnl
CLIENT_OPTIONS(`Family=inet, Address={ip}')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
LOCAL_CONFIG
Cw{domain}
""")
    write(dir + "/deliver", f"#!/bin/sh\ncat >> {dir}/mail/$1\n", 0o755)
    env = dict(os.environ, PATH=ROOT + "/usr/bin:" + os.environ["PATH"])
    with open(dir + "/sendmail.cf", "w") as file:
        subprocess.run([ROOT + "/usr/bin/m4", dir + "/sendmail.mc"], stdout=file, check=True, env=env)
    os.chmod(dir + "/queue", 0o700)
    start(SENDMAIL, "-bD", "-C" + dir + "/sendmail.cf", "-L", "sm-mta", "-OQueueDirectory=" + dir + "/queue")
    wait(ip)
    return dir


def say(server, source, sender, recipients, helo="mail.supplier.example", text="", size=None):
    """Hands one message in from `source`; what is refused is refused."""
    with socket.create_connection((server, 25), 20, source_address=(source, 0)) as connection:
        stream = connection.makefile("rwb")

        def reply():
            while True:
                line = stream.readline()
                if len(line) < 4 or line[3:4] != b"-":
                    return line

        def command(text):
            stream.write(text.encode() + b"\r\n")
            stream.flush()
            return reply()

        reply()
        command("EHLO " + helo)
        command(f"MAIL FROM:<{sender}>" + (f" SIZE={size}" if size else ""))
        if any([command(f"RCPT TO:<{recipient}>").startswith(b"25") for recipient in recipients]):
            assert command("DATA").startswith(b"354")
            head = f"From: <{sender}>\r\nTo: <{recipients[0]}>\r\nSubject: Order 4711\r\nDate: Wed, 25 Nov 2026 10:00:00 +0900\r\nMessage-ID: <4711@{sender.split('@')[-1]}>\r\n\r\n"
            command(head + (text or "Good morning.") + "\r\n.")
        command("QUIT")


WHY = ["listed", "noptr", "noptr5", "helo", "greylisted", "full", "nobody", "sales"]


def main():
    network()
    names()
    greylist()
    theirs_postfix = postfix("theirs-postfix", THEIRS["partner.example"], "partner.example", "mx.partner.example")
    theirs_tls = postfix("theirs-tls", "192.0.2.26", "tls.example", "mx.tls.example", more=f"""
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {DIR}/cert.pem
smtpd_tls_key_file = {DIR}/key.pem
""") if certificate() else None
    theirs_exim = exim("theirs-exim", THEIRS["partner.example.net"], "partner.example.net", "mx.partner.example.net")
    ours = {
        "postfix": postfix("postfix", OURS["postfix"], "example.co.jp", "nohost.example.co.jp", 40000, "smtp_tls_security_level = none"),
        "exim": exim("exim", OURS["exim"], "example.co.jp", "nohost.example.co.jp", 40000),
        "sendmail": sendmail(OURS["sendmail"], "example.co.jp", "nohost.example.co.jp"),
    }
    for name, ip in OURS.items():
        def send(recipient, text="Good morning."):
            if name == "sendmail":
                # It would refuse itself: it asks the list about everybody. Its error mails go to a mailbox elsewhere.
                mail = f"From: <sales@example.co.jp>\nTo: <{recipient}>\nSubject: Order 4711\n\n{text}\n"
                command = [SENDMAIL, f"-C{ours[name]}/sendmail.cf", "-L", "sm-mta", "-odi", "-fsales@partner.example", recipient]
                subprocess.run(command, input=mail.replace("\r", ""), text=True, check=False)
            else:
                say(ip, ip, "sales@example.co.jp", [recipient], text=text)

        def receive(recipient, sender="buyer@supplier.example", client=CLIENT, **more):
            say(ip, client, sender, [recipient], **more)

        for domain in THEIRS:
            for who in WHY:
                send(f"{who}@{domain}")
        # The receiver's limit is lower than ours.
        send("sales@partner.example", "\r\n".join(["x" * 70] * 400))
        send("sales@tls.example")
        send("sales@no-such-domain.example")
        send("sales@supplier.example")
        # And what comes to us.
        if name == "sendmail":
            receive("listed@example.co.jp")
            receive("noptr@example.co.jp", client=NAMELESS)
            receive("nobody@example.co.jp", client=GOOD)
            receive("somebody@elsewhere.example", client=GOOD)
            receive("sales@example.co.jp", client=GOOD, size=50000)
            receive("sales@example.co.jp", client=GOOD, sender="buyer@nowhere.example")
            receive("sales@example.co.jp", client=GOOD)
            continue
        for who in WHY:
            receive(f"{who}@example.co.jp", helo="nohost.supplier.example")
        receive("somebody@elsewhere.example")
        receive("sales@example.co.jp", size=50000)
        receive("sender@example.co.jp", sender="buyer@nowhere.example")
    time.sleep(8)
    # The second try: what was greylisted arrives.
    sh(f"/usr/sbin/postqueue -c {ours['postfix']} -f || true")
    subprocess.run([EXIM, "-C", ours["exim"] + "/exim.conf", "-qff"], check=False)
    queue_run = [SENDMAIL, "-C" + ours["sendmail"] + "/sendmail.cf", "-L", "sm-mta", "-q"]
    subprocess.run(queue_run, check=False)
    time.sleep(6)
    # The last one: what still waits is given up.
    sh(f"sed -i 's/^queue_run_delay.*/&\\nmaximal_queue_lifetime = 0/' {ours['postfix']}/main.cf; /usr/sbin/postfix -c {ours['postfix']} reload; sleep 1; /usr/sbin/postqueue -c {ours['postfix']} -f")
    conf = ours["exim"] + "/exim.conf"
    sh(f"sed -i 's/F,1h,1s/F,1s,1s/' {conf}")
    for _ in range(2):
        subprocess.run([EXIM, "-C", conf, "-qff"], check=False)
    subprocess.run(queue_run[:-1] + ["-OTimeout.queuereturn=1s", "-q"], check=False)
    time.sleep(6)
    keep(ours)


def certificate():
    sh(f"openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=mx.tls.example -keyout {DIR}/key.pem -out {DIR}/cert.pem 2>/dev/null")
    return True


def keep(ours):
    def clean(text):
        # Exim as its own user tells this at every delivery, because its configuration is not the compiled-in one.
        lines = [line for line in text.splitlines(keepends=True) if "lost privilege for using -C" not in line]
        return "".join(lines).replace(DIR, "/srv/mail").replace(ROOT, "")

    def save(name, text):
        with open(f"{HERE}/{name}", "w") as file:
            file.write(clean(text))

    read = lambda path: open(path, errors="replace").read()
    save("postfix.log", read(ours["postfix"] + "/mail.log"))
    save("exim.log", read(ours["exim"] + "/spool/mainlog"))
    save("sendmail.log", "".join(line for line in open(DIR + "/syslog") if " sm-mta[" in line))
    mails = sorted(glob.glob(ours["postfix"] + "/mail/sales/new/*"), key=os.path.getmtime)
    save("postfix.mbox", "".join("From MAILER-DAEMON Wed Nov 25 10:00:00 2026\n" + read(path) + "\n" for path in mails))
    save("exim.mbox", read(ours["exim"] + "/mail/sales"))
    mails = sorted(glob.glob(DIR + "/theirs-postfix/mail/sales/new/*"), key=os.path.getmtime)
    notices = [read(path) for path in mails if "From: Mail Delivery Subsystem" in read(path)]
    save("sendmail.mbox", "".join("From MAILER-DAEMON Wed Nov 25 10:00:00 2026\n" + mail + "\n" for mail in notices))


try:
    main()
finally:
    for process in RUNNING:
        process.send_signal(signal.SIGTERM)
    print(open(DIR + "/daemons.log").read()[-1500:])
    if not os.environ.get("KEEP"):
        shutil.rmtree(DIR, ignore_errors=True)
    else:
        print(DIR)
