"""What `update-dns meta-data` prints: 1.0 style, which every checker and shell takes."""

META_DATA = """\
<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="update-dns" version="0.1.0">
<version>1.0</version>
<longdesc lang="en">
Gives a name the own address of the active node.

A Failover IP is configured on every node that may carry it, so a node that connects to it reaches
itself and never the active node. The peers therefore use a name, and this agent lets it lead to the
own address of the node where the resource runs.

start: the name leads to ipme. stop: the name leads to ipother.
The place of the name is exactly one of hosts_file, dnsmasq_file, unbound_file and dns_server.

A file belongs to one node: run the agent where the name is looked up, on each of two nodes.
One line of the file is the agent's, told by the tag at its end; every other line stays as it is.
While the resource does not run on a node, the line there gives ipother: written by stop, and by the
probe that runs when a node joins, because a file outlives the power loss of its node.

dns_server is for a zone that all nodes share, on two nodes or more. start replaces the addresses of
the name by ipme with a signed DNS UPDATE (RFC 2136, over TCP), and waits for the server within its
time limit. stop replaces ipme by ipother only if the name still leads to ipme: a successor may have
been quicker.

A monitor uses local evidence only: the mark of a start on this boot, and the line of the file.
A DNS server that does not answer is no failure of the resource. Hetzner is never asked.
A stop always succeeds; what it could not take back is in its exit reason.
</longdesc>
<shortdesc lang="en">Gives a name the own address of the active node</shortdesc>
<parameters>
<parameter name="name" unique="0" required="1">
<longdesc lang="en">
The host name to keep, such as active.example.com. Use this name for one resource of a place only.
</longdesc>
<shortdesc lang="en">Host name to keep</shortdesc>
<content type="string" default=""/>
</parameter>
<parameter name="ipme" unique="0" required="0">
<longdesc lang="en">
This node's own address. IPv4 or IPv6; for both, use two resources.
Without it: the address from which this node reaches ipother.
Where an interface has ipother and none has ipme, the two change places: one resource with the same
pair serves two nodes.
</longdesc>
<shortdesc lang="en">This node's own address</shortdesc>
<content type="string" default=""/>
</parameter>
<parameter name="ipother" unique="0" required="1">
<longdesc lang="en">
The other node's own address, of the same family.
</longdesc>
<shortdesc lang="en">The other node's own address</shortdesc>
<content type="string" default=""/>
</parameter>
<parameter name="hosts_file" unique="0" required="0">
<longdesc lang="en">
A hosts file, such as /etc/hosts, or one of a directory that dnsmasq reads by its option hostsdir.
A line of somebody else that gives the name an address is an error: remove it.
</longdesc>
<shortdesc lang="en">Keep the name in this hosts file</shortdesc>
<content type="string" default=""/>
</parameter>
<parameter name="dnsmasq_file" unique="0" required="0">
<longdesc lang="en">
A file that dnsmasq includes, such as /etc/dnsmasq.d/failoverip.conf. It gets a line host-record=.
dnsmasq reads it when it starts: set reload to "systemctl restart dnsmasq".
</longdesc>
<shortdesc lang="en">Keep the name in this file of dnsmasq</shortdesc>
<content type="string" default=""/>
</parameter>
<parameter name="unbound_file" unique="0" required="0">
<longdesc lang="en">
A file that unbound includes, such as /etc/unbound/unbound.conf.d/failoverip.conf. It gets a line
local-data: with a time to live of 60 seconds. Set reload to "unbound-control reload".
</longdesc>
<shortdesc lang="en">Keep the name in this file of unbound</shortdesc>
<content type="string" default=""/>
</parameter>
<parameter name="dns_server" unique="0" required="0">
<longdesc lang="en">
The address of the server that takes updates of the zone: ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT.
</longdesc>
<shortdesc lang="en">Keep the name in a zone of this DNS server</shortdesc>
<content type="string" default=""/>
</parameter>
<parameter name="dns_zone" unique="0" required="0">
<longdesc lang="en">
The zone, for dns_server. Without it: the name without its first label.
</longdesc>
<shortdesc lang="en">Zone of the name</shortdesc>
<content type="string" default=""/>
</parameter>
<parameter name="dns_key_file" unique="0" required="0">
<longdesc lang="en">
The key that signs the updates, as tsig-keygen writes it: hmac-sha256, hmac-sha384 or hmac-sha512.
Nobody but root may read it (chmod 600).
</longdesc>
<shortdesc lang="en">File with the TSIG key</shortdesc>
<content type="string" default="/etc/failoverip/dns.key"/>
</parameter>
<parameter name="dns_ttl" unique="0" required="0">
<longdesc lang="en">
How long resolvers may keep an answer, in seconds, for dns_server.
</longdesc>
<shortdesc lang="en">Time to live of the record</shortdesc>
<content type="integer" default="60"/>
</parameter>
<parameter name="reload" unique="0" required="0">
<longdesc lang="en">
A command that runs after the place was changed. No shell is between: its words are split at blanks,
quotation marks hold words together. For a shell, write one: sh -c '... ; ...'.
A start fails when the command fails or does not end within the time limit. A stop gives it 10
seconds.
</longdesc>
<shortdesc lang="en">Command that makes the resolver read the file</shortdesc>
<content type="string" default=""/>
</parameter>
</parameters>
<actions>
<action name="start" timeout="60s"/>
<action name="stop" timeout="30s"/>
<action name="monitor" depth="0" timeout="20s" interval="30s"/>
<action name="meta-data" timeout="5s"/>
<action name="validate-all" timeout="20s"/>
</actions>
</resource-agent>
"""
