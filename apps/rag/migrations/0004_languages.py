"""Words by the rules of each passage's language, and which languages a workspace's passages are in."""

import django.contrib.postgres.fields
from django.db import migrations, models

FORWARD = r"""
DROP FUNCTION rag_terms(text);
-- The words of a text by the rules of a text search configuration. Slashes and underscores would make one lexeme of a
-- path or file name; as spaces they give its words.
CREATE FUNCTION rag_terms(text text, config regconfig DEFAULT 'english') RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_tsvector(config, translate(text, '/\_', '   '))
$$;

-- A question's words by the rules of each of the languages; without those that are mere small words in its own.
-- Positions are the same under all configurations, because they share one parser.
CREATE FUNCTION rag_question_terms(question text, own regconfig, languages text[]) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT array_agg(DISTINCT word.lexeme)
    FROM unnest(languages) AS spoken(language)
    CROSS JOIN LATERAL unnest(rag_terms(question, spoken.language::regconfig)) AS word
    WHERE word.positions && (
        SELECT array_agg(place) FROM unnest(rag_terms(question, own)) AS kept, unnest(kept.positions) AS place
    )
$$;

-- What every passage with this phrase in it matches, in whichever of the languages. All passages match where the phrase
-- is nothing but small words in one of them.
CREATE FUNCTION rag_phrase_terms(phrase text, languages text[]) RETURNS tsquery
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN bool_and(numnode(said.words) > 0) THEN string_agg('(' || said.words::text || ')', ' | ')::tsquery
                ELSE '!nothing'::tsquery END
    FROM (
        SELECT DISTINCT plainto_tsquery(spoken.language::regconfig, translate(phrase, '/\_', '   ')) AS words
        FROM unnest(languages) AS spoken(language)
    ) AS said
$$;

-- Fires after rag_chunk_inserted (by name), which holds the statistics' lock and has made the row. A language stays when
-- its last passage goes, until a rebuild: asking in it, too, does no harm.
CREATE FUNCTION rag_corpus_describe() RETURNS trigger LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
    UPDATE rag_corpusstatistics AS statistics
    SET languages = ARRAY(SELECT unnest(statistics.languages) UNION SELECT unnest(added.languages) ORDER BY 1),
        weights_average = CASE WHEN statistics.chunk_count = added.chunks THEN added.average
                               ELSE statistics.weights_average END
    FROM (
        SELECT workspace_id, profile_id, count(*) AS chunks, avg(length)::float8 AS average,
               array_agg(DISTINCT language) AS languages
        FROM changed GROUP BY workspace_id, profile_id
    ) AS added
    WHERE statistics.workspace_id = added.workspace_id AND statistics.profile_id = added.profile_id
      AND (statistics.chunk_count = added.chunks OR NOT statistics.languages @> added.languages);
    RETURN NULL;
END
$$;
CREATE TRIGGER rag_chunk_inserted_described AFTER INSERT ON rag_chunk REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION rag_corpus_describe();

-- The row is made by rag_statistics_count, which knows nothing of languages.
ALTER TABLE rag_corpusstatistics ALTER COLUMN languages SET DEFAULT '{}';
UPDATE rag_corpusstatistics
SET languages = '{english}', weights_average = total_length::float8 / nullif(chunk_count, 0);
"""

BACKWARD = r"""
ALTER TABLE rag_corpusstatistics ALTER COLUMN languages DROP DEFAULT;
DROP TRIGGER rag_chunk_inserted_described ON rag_chunk;
DROP FUNCTION rag_corpus_describe();
DROP FUNCTION rag_phrase_terms(text, text[]);
DROP FUNCTION rag_question_terms(text, regconfig, text[]);
DROP FUNCTION rag_terms(text, regconfig);
CREATE FUNCTION rag_terms(text text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_tsvector('english'::regconfig, translate(text, '/\_', '   '))
$$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('rag', '0003_profiles_and_evaluation'),
    ]

    operations = [
        migrations.AddField(
            model_name='corpusstatistics',
            name='languages',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), default=list, size=None),
        ),
        migrations.AddField(
            model_name='corpusstatistics',
            name='weights_average',
            field=models.FloatField(null=True),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
