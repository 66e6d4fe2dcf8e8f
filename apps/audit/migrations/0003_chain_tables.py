"""Events as chains: partitioned by month, linked by the database at commit, closed to changes.

An event is inserted without any lock. When its transaction commits, a deferred trigger puts it into `audit_waiting`,
and that table's own deferred trigger gives it number and hash under the lock of its chain's end. The second step is
what makes it the last thing of a transaction: deferred foreign keys are checked in the first round of deferred
triggers, and they may wait for locks of others who wait for the same chain.
"""

import django.utils.timezone
from django.db import migrations, models

import apps.audit.models
import chatbot.lib.keys

TABLES = """
ALTER TABLE audit_event RENAME TO audit_event_flat;
ALTER INDEX audit_event_pkey RENAME TO audit_event_flat_pkey;
DROP INDEX audit_by_workspace, audit_by_actor, audit_by_target;

CREATE TABLE audit_event (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    workspace_id uuid,
    chain uuid NOT NULL,
    actor_id uuid,
    actor_label varchar(254) NOT NULL,
    on_behalf_of_id uuid,
    on_behalf_of_label varchar(254) NOT NULL,
    role varchar(20) NOT NULL,
    action varchar(60) NOT NULL,
    result varchar(10) NOT NULL,
    target_type varchar(60) NOT NULL,
    target_id varchar(60) NOT NULL,
    target_label varchar(200) NOT NULL,
    ip_address inet,
    user_agent varchar(300) NOT NULL,
    request_id varchar(64) NOT NULL,
    data jsonb NOT NULL,
    content_hash bytea NOT NULL,
    PRIMARY KEY (id, created_at),
    CONSTRAINT audit_event_chain CHECK (chain = coalesce(workspace_id, '00000000-0000-0000-0000-000000000000')),
    CONSTRAINT audit_event_content_hash CHECK (length(content_hash) = 32)
) PARTITION BY RANGE (created_at);
CREATE TABLE audit_event_default PARTITION OF audit_event DEFAULT;

CREATE TABLE audit_link (
    event_id uuid NOT NULL PRIMARY KEY,
    event_at timestamptz NOT NULL,
    chain uuid NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_link_once UNIQUE (chain, seq)
);
-- One row a chain, changed by every event: room on the page keeps the changes out of the index.
CREATE TABLE audit_chain (
    chain uuid NOT NULL PRIMARY KEY,
    seq bigint NOT NULL,
    hash bytea NOT NULL
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
CREATE TABLE audit_signedhead (
    id uuid NOT NULL PRIMARY KEY,
    chain uuid NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    signed_at timestamptz NOT NULL,
    key_id varchar(16) NOT NULL,
    signature bytea NOT NULL
);
CREATE TABLE audit_checkpoint (
    id uuid NOT NULL PRIMARY KEY,
    chain uuid NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    event_count bigint NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    signed_at timestamptz NOT NULL,
    key_id varchar(16) NOT NULL,
    signature bytea NOT NULL,
    CONSTRAINT audit_checkpoint_once UNIQUE (chain, seq)
);
-- Holds rows only while a transaction commits; nothing in it outlives a crash.
CREATE UNLOGGED TABLE audit_waiting (
    event_id uuid NOT NULL PRIMARY KEY,
    event_at timestamptz NOT NULL,
    chain uuid NOT NULL,
    content_hash bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
"""
TABLES_REVERSE = """
DROP TABLE audit_waiting, audit_checkpoint, audit_signedhead, audit_chain, audit_link, audit_event;
ALTER TABLE audit_event_flat RENAME TO audit_event;
ALTER INDEX audit_event_flat_pkey RENAME TO audit_event_pkey;
CREATE INDEX audit_by_workspace ON audit_event (workspace_id, created_at DESC);
CREATE INDEX audit_by_actor ON audit_event (actor_id, created_at DESC);
CREATE INDEX audit_by_target ON audit_event (target_type, target_id);
"""

# The transaction's chains stand in a setting of the transaction: it follows savepoints, and costs no row.
LINKING = """
CREATE FUNCTION audit_event_note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    noted text := coalesce(current_setting('chatbot.audit_chains', true), '');
BEGIN
    IF position(NEW.chain::text IN noted) = 0 THEN
        PERFORM set_config('chatbot.audit_chains', noted || ' ' || NEW.chain, true);
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION audit_event_wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit_waiting VALUES (NEW.id, NEW.created_at, NEW.chain, NEW.content_hash);
    RETURN NULL;
END
$$;
CREATE FUNCTION audit_event_link() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    noted text := current_setting('chatbot.audit_chains', true);
    ending audit_chain;
BEGIN
    IF noted <> '' THEN
        -- All chains of the transaction in one order, so that two transactions never wait for each other.
        INSERT INTO audit_chain
            SELECT wanted, 0, decode(repeat('00', 32), 'hex')
            FROM unnest(string_to_array(trim(noted), ' ')::uuid[]) AS wanted
            WHERE NOT EXISTS (SELECT FROM audit_chain WHERE chain = wanted)
            ORDER BY 1
            ON CONFLICT DO NOTHING;
        IF position(' ' IN trim(noted)) > 0 THEN
            PERFORM FROM audit_chain WHERE chain = ANY (string_to_array(trim(noted), ' ')::uuid[])
                ORDER BY chain FOR NO KEY UPDATE;
        END IF;
        PERFORM set_config('chatbot.audit_chains', '', true);
    END IF;
    UPDATE audit_chain
        SET seq = seq + 1, hash = sha256(hash || int8send(seq + 1) || NEW.content_hash)
        WHERE chain = NEW.chain
        RETURNING * INTO STRICT ending;
    INSERT INTO audit_link VALUES (NEW.event_id, NEW.event_at, NEW.chain, ending.seq, ending.hash);
    DELETE FROM audit_waiting WHERE event_id = NEW.event_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER audit_event_note BEFORE INSERT ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_note();
CREATE CONSTRAINT TRIGGER audit_event_wait AFTER INSERT ON audit_event DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION audit_event_wait();
CREATE CONSTRAINT TRIGGER audit_event_link AFTER INSERT ON audit_waiting DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION audit_event_link();
"""

INDEXES = """
CREATE INDEX audit_by_time ON audit_event (created_at DESC, id DESC);
CREATE INDEX audit_by_chain ON audit_event (chain, created_at DESC, id DESC);
CREATE INDEX audit_by_chain_action ON audit_event (chain, action, created_at DESC, id DESC);
CREATE INDEX audit_by_action ON audit_event (action, created_at DESC, id DESC);
CREATE INDEX audit_by_actor ON audit_event (actor_id, created_at DESC, id DESC) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_by_principal ON audit_event (on_behalf_of_id, created_at DESC, id DESC)
    WHERE on_behalf_of_id IS NOT NULL;
CREATE INDEX audit_by_target ON audit_event (target_id, target_type, created_at DESC, id DESC) WHERE target_id <> '';
CREATE INDEX audit_refused ON audit_event (chain, created_at DESC, id DESC) WHERE result = 'refused';
CREATE INDEX audit_head_of_chain ON audit_signedhead (chain, seq);
"""

# A trigger's own statements run at a depth above 0; whoever else asks is at 0.
CLOSING = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit log is append-only.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE FUNCTION audit_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit log is append-only.' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER audit_closed BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_closed BEFORE INSERT OR UPDATE OR DELETE ON audit_link
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_closed BEFORE INSERT OR UPDATE OR DELETE ON audit_chain
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_closed BEFORE UPDATE OR DELETE ON audit_signedhead
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_closed BEFORE UPDATE OR DELETE ON audit_checkpoint
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();

-- The only door through which events leave: a checkpoint that says exactly what goes. Nothing younger than 30 days
-- goes at all, whatever the retention is set to, so that whoever takes over the application cannot wipe their traces.
CREATE FUNCTION audit_checkpoint_trim() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    gone record;
BEGIN
    IF NOT EXISTS (
        SELECT FROM audit_link WHERE chain = NEW.chain AND seq = NEW.seq AND hash = NEW.hash
    ) THEN
        RAISE EXCEPTION 'The checkpoint names no event of the chain.' USING ERRCODE = 'restrict_violation';
    END IF;
    WITH links AS (
        DELETE FROM audit_link WHERE chain = NEW.chain AND seq <= NEW.seq RETURNING event_id, event_at
    ), events AS (
        DELETE FROM audit_event USING links
        WHERE audit_event.id = links.event_id AND audit_event.created_at = links.event_at
        RETURNING audit_event.created_at
    )
    SELECT count(*) AS event_count, min(created_at) AS first_at, max(created_at) AS last_at INTO gone FROM events;
    IF (gone.event_count, gone.first_at, gone.last_at) IS DISTINCT FROM (NEW.event_count, NEW.first_at, NEW.last_at)
    THEN
        RAISE EXCEPTION 'The checkpoint does not say what would go.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF gone.last_at > clock_timestamp() - interval '30 days' THEN
        RAISE EXCEPTION 'Audit events are kept for 30 days at least.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_trim BEFORE INSERT ON audit_checkpoint
    FOR EACH ROW EXECUTE FUNCTION audit_checkpoint_trim();
"""

PARTITIONS = """
CREATE FUNCTION audit_partition_make(month date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    since timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
    until timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
    name text := 'audit_event_' || to_char(month, 'YYYY_MM');
BEGIN
    -- A month whose first events the default partition has already taken stays there.
    IF to_regclass(name) IS NOT NULL
        OR EXISTS (SELECT FROM audit_event_default WHERE created_at >= since AND created_at < until)
    THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF audit_event FOR VALUES FROM (%L) TO (%L)', name, since, until);
    EXECUTE format(
        'CREATE TRIGGER audit_not_truncated BEFORE TRUNCATE ON %I EXECUTE FUNCTION audit_refuse_truncate()', name
    );
    RETURN true;
END
$$;
-- This month's partition and the next three; how many were made. Callable by the application, so without arguments.
CREATE FUNCTION audit_partitions_ensure() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    this_month date := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date;
    made integer := 0;
BEGIN
    FOR ahead IN 0..3 LOOP
        made := made + audit_partition_make((this_month + make_interval(months => ahead))::date)::integer;
    END LOOP;
    RETURN made;
END
$$;
-- Drops empty partitions of months that are over for 30 days; how many. One that is being read waits for the next time.
CREATE FUNCTION audit_partitions_drop() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '2s' AS $$
DECLARE
    partition record;
    is_empty boolean;
    dropped integer := 0;
BEGIN
    FOR partition IN
        SELECT child.relname AS name FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
        WHERE inhparent = 'audit_event'::regclass AND child.relname ~ '^audit_event_[0-9]{4}_[0-9]{2}$'
            AND to_date(right(child.relname, 7), 'YYYY_MM') + interval '1 month 30 days' < clock_timestamp()
        ORDER BY 1
    LOOP
        BEGIN
            EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I)', partition.name) INTO is_empty;
            CONTINUE WHEN NOT is_empty;
            EXECUTE format('LOCK TABLE audit_event IN ACCESS EXCLUSIVE MODE');
            EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I)', partition.name) INTO is_empty;
            CONTINUE WHEN NOT is_empty;
            EXECUTE format('DROP TABLE %I', partition.name);
            dropped := dropped + 1;
        EXCEPTION WHEN lock_not_available THEN
            RETURN dropped;
        END;
    END LOOP;
    RETURN dropped;
END
$$;
CREATE FUNCTION pg_temp.audit_start() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
    month date;
BEGIN
    FOREACH name IN ARRAY ARRAY['audit_event', 'audit_event_default', 'audit_link', 'audit_chain', 'audit_signedhead',
        'audit_checkpoint']
    LOOP
        EXECUTE format(
            'CREATE TRIGGER audit_not_truncated BEFORE TRUNCATE ON %I EXECUTE FUNCTION audit_refuse_truncate()', name
        );
    END LOOP;
    FOR month IN SELECT generate_series(
        date_trunc('month', min(created_at) AT TIME ZONE 'UTC'), now() AT TIME ZONE 'UTC', '1 month') FROM audit_event_flat
    LOOP
        PERFORM audit_partition_make(month);
    END LOOP;
    PERFORM audit_partitions_ensure();
    -- Whoever calls these acts with their owner's rights: no table of the caller may stand in for one of these. The
    -- system's schema is searched first without being named; named, it would be where tables are made.
    FOR name IN SELECT oid::regprocedure::text FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname ~ '^audit_' AND prosecdef
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', name);
    END LOOP;
END
$$;
SELECT pg_temp.audit_start();
DROP FUNCTION pg_temp.audit_start();
"""
FUNCTIONS_REVERSE = """
DROP FUNCTION audit_event_note, audit_event_wait, audit_event_link, audit_refuse_change, audit_refuse_truncate,
    audit_checkpoint_trim, audit_partition_make, audit_partitions_ensure, audit_partitions_drop CASCADE;
"""

STATE = [
    migrations.CreateModel(
        name='Chain',
        fields=[
            ('chain', models.UUIDField(primary_key=True, serialize=False)),
            ('seq', models.BigIntegerField(default=0)),
            ('hash', models.BinaryField()),
        ],
    ),
    migrations.CreateModel(
        name='Checkpoint',
        fields=[
            ('id', models.UUIDField(default=chatbot.lib.keys.uuid7, editable=False, primary_key=True, serialize=False)),
            ('chain', models.UUIDField()),
            ('seq', models.BigIntegerField()),
            ('hash', models.BinaryField()),
            ('event_count', models.BigIntegerField()),
            ('first_at', models.DateTimeField()),
            ('last_at', models.DateTimeField()),
            ('signed_at', models.DateTimeField()),
            ('key_id', models.CharField(max_length=16)),
            ('signature', models.BinaryField()),
        ],
    ),
    migrations.CreateModel(
        name='Link',
        fields=[
            ('event_id', models.UUIDField(primary_key=True, serialize=False)),
            ('event_at', models.DateTimeField()),
            ('chain', models.UUIDField()),
            ('seq', models.BigIntegerField()),
            ('hash', models.BinaryField()),
        ],
    ),
    migrations.CreateModel(
        name='SignedHead',
        fields=[
            ('id', models.UUIDField(default=chatbot.lib.keys.uuid7, editable=False, primary_key=True, serialize=False)),
            ('chain', models.UUIDField()),
            ('seq', models.BigIntegerField()),
            ('hash', models.BinaryField()),
            ('signed_at', models.DateTimeField()),
            ('key_id', models.CharField(max_length=16)),
            ('signature', models.BinaryField()),
        ],
    ),
    migrations.RemoveIndex(
        model_name='event',
        name='audit_by_workspace',
    ),
    migrations.RemoveIndex(
        model_name='event',
        name='audit_by_actor',
    ),
    migrations.RemoveIndex(
        model_name='event',
        name='audit_by_target',
    ),
    migrations.RemoveField(
        model_name='event',
        name='actor',
    ),
    migrations.AddField(
        model_name='event',
        name='actor_id',
        field=models.UUIDField(null=True),
    ),
    migrations.AddField(
        model_name='event',
        name='chain',
        field=apps.audit.models.ChainField(default=None, editable=False),
        preserve_default=False,
    ),
    migrations.AddField(
        model_name='event',
        name='content_hash',
        field=apps.audit.models.ContentHashField(default=None),
        preserve_default=False,
    ),
    migrations.AddField(
        model_name='event',
        name='on_behalf_of_id',
        field=models.UUIDField(null=True),
    ),
    migrations.AddField(
        model_name='event',
        name='on_behalf_of_label',
        field=models.CharField(blank=True, max_length=254),
    ),
    migrations.AddField(
        model_name='event',
        name='role',
        field=models.CharField(blank=True, max_length=20),
    ),
    migrations.AlterField(
        model_name='event',
        name='created_at',
        field=models.DateTimeField(default=django.utils.timezone.now),
    ),
    migrations.AddIndex(
        model_name='event',
        index=models.Index(fields=['-created_at', '-id'], name='audit_by_time'),
    ),
    migrations.AddIndex(
        model_name='event',
        index=models.Index(fields=['chain', '-created_at', '-id'], name='audit_by_chain'),
    ),
    migrations.AddIndex(
        model_name='event',
        index=models.Index(fields=['chain', 'action', '-created_at', '-id'], name='audit_by_chain_action'),
    ),
    migrations.AddIndex(
        model_name='event',
        index=models.Index(fields=['action', '-created_at', '-id'], name='audit_by_action'),
    ),
    migrations.AddIndex(
        model_name='event',
        index=models.Index(condition=models.Q(('actor_id__isnull', False)), fields=['actor_id', '-created_at', '-id'], name='audit_by_actor'),
    ),
    migrations.AddIndex(
        model_name='event',
        index=models.Index(condition=models.Q(('on_behalf_of_id__isnull', False)), fields=['on_behalf_of_id', '-created_at', '-id'], name='audit_by_principal'),
    ),
    migrations.AddIndex(
        model_name='event',
        index=models.Index(condition=models.Q(('target_id', ''), _negated=True), fields=['target_id', 'target_type', '-created_at', '-id'], name='audit_by_target'),
    ),
    migrations.AddIndex(
        model_name='event',
        index=models.Index(condition=models.Q(('result', 'refused')), fields=['chain', '-created_at', '-id'], name='audit_refused'),
    ),
    migrations.AddConstraint(
        model_name='checkpoint',
        constraint=models.UniqueConstraint(fields=('chain', 'seq'), name='audit_checkpoint_once'),
    ),
    migrations.AddConstraint(
        model_name='link',
        constraint=models.UniqueConstraint(fields=('chain', 'seq'), name='audit_link_once'),
    ),
    migrations.AddIndex(
        model_name='signedhead',
        index=models.Index(fields=['chain', 'seq'], name='audit_head_of_chain'),
    ),
]


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(TABLES, TABLES_REVERSE),
                migrations.RunSQL(LINKING + INDEXES + CLOSING + PARTITIONS, FUNCTIONS_REVERSE),
            ],
            state_operations=STATE,
        )
    ]
