import { Client, CombinedError, cacheExchange, fetchExchange, mapExchange } from 'urql'
import { patientFetch } from './patient-fetch.ts'

/** Queries and mutations over HTTP. `onRefused` is called when the key is no longer good. */
export const createHttpClient = (key: string, onRefused: () => void): Client =>
  new Client({
    url: '/graphql',
    preferGetMethod: false,
    fetch: patientFetch,
    fetchOptions: { headers: { authorization: `Bearer ${key}` } },
    exchanges: [
      mapExchange({
        onError: (error) => {
          if (isRefused(error)) onRefused()
        },
      }),
      cacheExchange,
      fetchExchange,
    ],
  })

const isRefused = (error: unknown): boolean =>
  error instanceof CombinedError && error.graphQLErrors.some(({ extensions }) => extensions['code'] === 'UNAUTHENTICATED')
