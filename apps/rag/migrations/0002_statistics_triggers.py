"""Word statistics are kept by the database itself, so that no path into or out of `rag_chunk` can bypass them."""

from django.db import migrations

FORWARD = r"""
-- The words of a text, for passages and questions alike. Slashes and underscores would make one lexeme of a path or file
-- name; as spaces they give its words.
CREATE FUNCTION rag_terms(text text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_tsvector('english'::regconfig, translate(text, '/\_', '   '))
$$;

CREATE FUNCTION rag_statistics_lock(workspace uuid, profile uuid) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('rag_statistics ' || workspace || ' ' || profile, 0))
$$;

-- After each INSERT or DELETE statement, with all its rows at once. One writer at a time per workspace and profile, so
-- that row locks of lexemes are never awaited crosswise; locks of several workspaces are taken in key order.
-- Under READ COMMITTED each statement below sees what was committed before the lock was got.
-- Kept for the length of a connection, a plan made over an empty table would read all words for ever.
CREATE FUNCTION rag_statistics_count() RETURNS trigger LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    step integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    corpus record;
BEGIN
    FOR corpus IN
        SELECT workspace_id, profile_id, count(*) AS chunks, sum(length) AS length
        FROM changed GROUP BY workspace_id, profile_id ORDER BY workspace_id, profile_id
    LOOP
        PERFORM rag_statistics_lock(corpus.workspace_id, corpus.profile_id);
        UPDATE rag_lexeme AS lexeme
        SET document_frequency = greatest(0, lexeme.document_frequency + step * word.chunks)
        FROM (
            SELECT terms.lexeme AS text, count(*) AS chunks
            FROM changed, unnest(changed.terms) AS terms
            WHERE changed.workspace_id = corpus.workspace_id AND changed.profile_id = corpus.profile_id
            GROUP BY terms.lexeme
        ) AS word
        WHERE lexeme.workspace_id = corpus.workspace_id AND lexeme.profile_id = corpus.profile_id
          AND lexeme.text = word.text;
        UPDATE rag_corpusstatistics AS statistics
        SET chunk_count = greatest(0, statistics.chunk_count + step * corpus.chunks),
            total_length = greatest(0, statistics.total_length + step * corpus.length)
        WHERE statistics.workspace_id = corpus.workspace_id AND statistics.profile_id = corpus.profile_id;
        CONTINUE WHEN TG_OP = 'DELETE';
        -- Not ON CONFLICT: that would use up a lexeme id, a dimension, for every word that is there already.
        INSERT INTO rag_lexeme (workspace_id, profile_id, text, document_frequency)
        SELECT corpus.workspace_id, corpus.profile_id, word.text, word.chunks
        FROM (
            SELECT terms.lexeme AS text, count(*) AS chunks
            FROM changed, unnest(changed.terms) AS terms
            WHERE changed.workspace_id = corpus.workspace_id AND changed.profile_id = corpus.profile_id
            GROUP BY terms.lexeme
        ) AS word
        WHERE NOT EXISTS (
            SELECT 1 FROM rag_lexeme AS known
            WHERE known.workspace_id = corpus.workspace_id AND known.profile_id = corpus.profile_id
              AND known.text = word.text
        );
        INSERT INTO rag_corpusstatistics (id, workspace_id, profile_id, chunk_count, total_length)
        SELECT gen_random_uuid(), corpus.workspace_id, corpus.profile_id, corpus.chunks, corpus.length
        WHERE NOT EXISTS (
            SELECT 1 FROM rag_corpusstatistics AS known
            WHERE known.workspace_id = corpus.workspace_id AND known.profile_id = corpus.profile_id
        );
    END LOOP;
    RETURN NULL;
END
$$;

CREATE FUNCTION rag_chunk_words_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE integrity_constraint_violation
        USING MESSAGE = 'A chunk keeps its words, workspace and profile: delete it and insert another.';
END
$$;

CREATE TRIGGER rag_chunk_inserted AFTER INSERT ON rag_chunk REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rag_statistics_count();
CREATE TRIGGER rag_chunk_deleted AFTER DELETE ON rag_chunk REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rag_statistics_count();
CREATE TRIGGER rag_chunk_words_fixed BEFORE UPDATE OF terms, length, workspace_id, profile_id ON rag_chunk
    FOR EACH ROW WHEN (
        (OLD.terms, OLD.length, OLD.workspace_id, OLD.profile_id)
        IS DISTINCT FROM (NEW.terms, NEW.length, NEW.workspace_id, NEW.profile_id)
    ) EXECUTE FUNCTION rag_chunk_words_fixed();

-- Counts change with every document; room on the page keeps those updates out of the index.
ALTER TABLE rag_lexeme SET (fillfactor = 70);
"""

BACKWARD = """
ALTER TABLE rag_lexeme RESET (fillfactor);
DROP TRIGGER rag_chunk_words_fixed ON rag_chunk;
DROP TRIGGER rag_chunk_deleted ON rag_chunk;
DROP TRIGGER rag_chunk_inserted ON rag_chunk;
DROP FUNCTION rag_chunk_words_fixed();
DROP FUNCTION rag_statistics_count();
DROP FUNCTION rag_statistics_lock(uuid, uuid);
DROP FUNCTION rag_terms(text);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('rag', '0001_initial'),
    ]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
