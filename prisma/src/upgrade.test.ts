import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../core/testing/database.ts'
import { withEmptyDatabase } from '../../core/testing/with-empty-database.ts'
import { readMigrations } from './schema-engine.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

/** What the first release leaves: a session at rest with a sandbox, two checkpoints and a look into its files, and no worker. */
const FIRST_RELEASE = `
  insert into tenant (id, slug, name) values ('ten_1', 'one', 'One');
  insert into agent (id, tenant_id, name) values ('agt_1', 'ten_1', 'a');
  insert into agent_version (id, tenant_id, agent_id, version, model) values ('agv_1', 'ten_1', 'agt_1', 1, 'm');
  insert into environment (id, tenant_id, name) values ('env_1', 'ten_1', 'e');
  insert into environment_version (id, tenant_id, environment_id, version, setup_script) values ('env_1v', 'ten_1', 'env_1', 1, 'true'), ('env_2v', 'ten_1', 'env_1', 2, null);
  insert into session (id, tenant_id, prompt, agent_id, agent_version_id, environment_id, environment_version_id, primary_thread_id, head, engine_id, sandbox_id, sandbox_state)
    values ('ses_1', 'ten_1', 'p', 'agt_1', 'agv_1', 'env_1', 'env_1v', 'thr_1', 9, 'eng_away', 'box_1', 'SUSPENDED');
  insert into thread (id, tenant_id, session_id, name) values ('thr_1', 'ten_1', 'ses_1', 'main');
  insert into claim (thread_id, tenant_id, session_id) values ('thr_1', 'ten_1', 'ses_1');
  insert into checkpoint (id, tenant_id, session_id, thread_id, state, seq, trigger, actor, context, engine_id, image_id) values
    ('ckp_1', 'ten_1', 'ses_1', 'thr_1', 'whole', 4, 'SUSPEND', 'platform', '{"unread": []}', 'eng_away', 'img_1'),
    ('ckp_2', 'ten_1', 'ses_1', 'thr_1', 'whole', 6, 'MANUAL', 'key_1', '{"unread": []}', null, null);
  insert into file_look (id, tenant_id, session_id, engine_id, op, path, at_seq) values ('flk_1', 'ten_1', 'ses_1', 'eng_away', 'list', '/workspace', 4);`

/** A database as the first release made and used it, then with every later migration, as the owner runs them. */
const upgrade = <T>(look: (client: pg.Client) => Promise<T>): Promise<T> =>
  withEmptyDatabase(test, async (client) => {
    await client.query('grant usage, create on schema public to longhaul_owner')
    const [first, ...later] = (await readMigrations()).migrationDirectories.map(({ migrationFile }) => migrationFile.content.value)
    await client.query('set role longhaul_owner')
    await client.query(first ?? '')
    await client.query('reset role')
    await client.query(FIRST_RELEASE)
    await client.query('set role longhaul_owner')
    for (const script of later) await client.query(script)
    await client.query('reset role')
    return look(client)
  })

describe('a database of the first release with sessions, checkpoints and looks into files', () => {
  it('is brought to this one: its engines are known though no worker was there, its set-ups have their hash, and a checkpoint without files knows whose it goes back to', async () => {
    await upgrade(async (client) => {
      const { rows: engines } = await client.query('select id from engine')
      expect(engines).toEqual([{ id: 'eng_away' }])
      const { rows: versions } = await client.query('select id, setup_hash is not null as hashed from environment_version order by id')
      expect(versions).toEqual([
        { id: 'env_1v', hashed: true },
        { id: 'env_2v', hashed: false },
      ])
      const { rows: points } = await client.query('select id, files_from_id from checkpoint order by id')
      expect(points).toEqual([
        { id: 'ckp_1', files_from_id: null },
        { id: 'ckp_2', files_from_id: 'ckp_1' },
      ])
      const { rows: open } = await client.query(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and relrowsecurity and not relforcerowsecurity",
      )
      expect(open).toEqual([])
    })
  })
})
