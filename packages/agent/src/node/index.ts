// The public surface of @writ/agent/node: what needs sockets, files and Node's own TLS.

export { type Agent, type AgentOptions, openAgent, type SvidSource, type Task } from './agent.ts';
export { type ConnectOptions, connect } from './connect.ts';
export { type DialSvid, type MtlsAgentOptions, mtlsAgent } from './dial.ts';
export { type HttpAnswer, type HttpRequest, httpRequest } from './dial-request.ts';
export { guardRequest, type Handler, type Next, type ServedRequest, writContext } from './incoming.ts';
export { mtlsFetch } from './mtls-fetch.ts';
export { type AgentServer, type ServeOptions, serveAgent } from './serve.ts';
export { openX509Source, WorkloadApiError, type X509Source, type X509Svid } from './workload-api.ts';
