import type { Schemas } from './model'

/** Lines to be copied into what sends the logs; `title` is the sender's own name. */
export type Setup = { title: string; lines: string }

const queue = 'action.resumeRetryCount="-1" queue.type="LinkedList" queue.filename="varde" queue.saveOnShutdown="on"'

/**
 * How a sender is set up for a source, at the ports that Varde has by default
 * (docs/operations.md). KEY stands where the key goes: it is never known here.
 */
export function setupsOf(source: Schemas['Source'], id: string, host: string): Setup[] {
  switch (source.kind) {
    case 'syslog': return [
      { title: 'rsyslog', lines: `action(type="omfwd" target="${host}" port="5514" protocol="tcp" ${queue})` },
      {
        title: 'rsyslog (TLS)', lines: `global(DefaultNetstreamDriver="gtls" DefaultNetstreamDriverCAFile="ca.pem" DefaultNetstreamDriverCertFile="client.pem" DefaultNetstreamDriverKeyFile="client.key")
action(type="omfwd" target="${host}" port="6514" protocol="tcp" TCP_Framing="octet-counted" StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="${host}" ${queue})`,
      },
      {
        title: 'syslog-ng (TLS)', lines: `destination d_varde { syslog("${host}" port(6514) transport("tls") tls(ca-file("ca.pem") cert-file("client.pem") key-file("client.key")) disk-buffer(reliable(yes) disk-buf-size(1073741824))); };
log { source(s_src); destination(d_varde); };`,
      },
    ]
    case 'bulk': return [
      {
        title: 'Filebeat', lines: `filebeat.inputs: [{ type: filestream, id: auth, paths: [/var/log/auth.log] }]
setup: { ilm.enabled: false, template.enabled: false }
output.elasticsearch: { hosts: ["http://${host}:9280"], api_key: "source:KEY" }`,
      },
      {
        title: 'Winlogbeat', lines: `winlogbeat.event_logs: [{ name: Security }, { name: System }]
setup: { ilm.enabled: false, template.enabled: false }
output.elasticsearch: { hosts: ["http://${host}:9280"], api_key: "source:KEY" }`,
      },
      { title: 'curl', lines: `journalctl -o json | curl --data-binary @- -H 'Content-Type: application/x-ndjson' -H 'Authorization: ApiKey KEY' http://${host}:9280/v1/lines` },
    ]
    case 'file': return [{ title: 'varde.yaml', lines: `logs: [{ path: /var/log/auth.log, source: ${id} }]` }]
    default: return [{ title: 'varde import', lines: `varde import --url http://${host}:9280 --key-file key FILE` }]
  }
}
