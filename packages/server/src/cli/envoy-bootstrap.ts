// The bootstrap of an Envoy in front of one agent: mutual TLS with secrets from the Workload API's socket, callers by their edges,
// and the agent's own address behind it. The agent itself knows nothing of TLS.

import type { JsonObject, JsonValue } from '@writ/core';
import type { Address } from '../config/config.ts';

export interface Sidecar {
  /** Path of the Workload API's socket. */
  readonly socketPath: string;
  readonly agent: string;
  readonly listen: Address;
  /** Where the agent takes plain HTTP, on loopback. */
  readonly app: Address;
  /** SPIFFE IDs of those who may call it; at least one. */
  readonly callers: readonly string[];
}

const types = 'type.googleapis.com/envoy.extensions';

export function envoyBootstrap({ socketPath, agent, listen, app, callers }: Sidecar): JsonObject {
  const http2 = {
    '@type': `${types}.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http2_protocol_options: {} },
  };
  const sds = {
    ...cluster('writ', { pipe: { path: socketPath } }),
    typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': http2 },
  };
  const chain = {
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': `${types}.transport_sockets.tls.v3.DownstreamTlsContext`,
        require_client_certificate: true,
        // A ticket would carry an identity past its end (design D5).
        disable_stateless_session_resumption: true,
        disable_stateful_session_resumption: true,
        common_tls_context: tlsContext(callers),
      },
    },
    filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: connectionManager() }],
  };
  return {
    node: { id: agent, cluster: agent },
    static_resources: {
      listeners: [{ name: 'inbound', address: socketAddress(listen), filter_chains: [chain] }],
      clusters: [sds, cluster('app', socketAddress(app))],
    },
  };
}

function tlsContext(callers: readonly string[]): JsonObject {
  const service = { envoy_grpc: { cluster_name: 'writ' } };
  const source = { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: [service] };
  const sdsConfig = { resource_api_version: 'V3', api_config_source: source };
  const one = (id: string): JsonValue => ({ san_type: 'URI', matcher: { exact: id } });
  return {
    tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
    tls_certificate_sds_secret_configs: [{ name: 'default', sds_config: sdsConfig }],
    combined_validation_context: {
      // Rules §1.3: identities, never a whole trust domain.
      default_validation_context: { match_typed_subject_alt_names: callers.map(one) },
      validation_context_sds_secret_config: { name: 'ROOTCA', sds_config: sdsConfig },
    },
  };
}

function connectionManager(): JsonObject {
  return {
    '@type': `${types}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'inbound',
    // Rules §1.5: what a caller says of certificates is taken off; Envoy's own word replaces it.
    forward_client_cert_details: 'SANITIZE_SET',
    set_current_client_cert_details: { uri: true },
    normalize_path: true,
    merge_slashes: true,
    path_with_escaped_slashes_action: 'REJECT_REQUEST',
    route_config: {
      virtual_hosts: [
        {
          name: 'app',
          domains: ['*'],
          request_headers_to_remove: ['x-writ-peer', 'x-writ-decision'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'app' } }],
        },
      ],
    },
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${types}.filters.http.router.v3.Router` } },
    ],
  };
}

function cluster(name: string, address: JsonObject): JsonObject {
  const endpoints = [{ lb_endpoints: [{ endpoint: { address } }] }];
  return { name, connect_timeout: '2s', load_assignment: { cluster_name: name, endpoints } };
}

function socketAddress({ host, port }: Address): JsonObject {
  return { socket_address: { address: host, port_value: port } };
}
