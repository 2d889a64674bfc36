/** Errors as the Messages API sends them. Source: its reference, "Errors". */
import type { ServerResponse } from 'node:http'

const TYPE_BY_STATUS: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  529: 'overloaded_error',
}

export type WireError = { status: number; type?: string; message: string; headers?: Record<string, string> }

export function toErrorBody(error: { type: string; message: string }, requestId: string): string {
  return JSON.stringify({ type: 'error', error, request_id: requestId })
}

export function sendError(response: ServerResponse, requestId: string, { status, type, message, headers }: WireError): void {
  const body = toErrorBody({ type: type ?? TYPE_BY_STATUS[status] ?? 'api_error', message }, requestId)
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': requestId, ...headers }).end(body)
}
