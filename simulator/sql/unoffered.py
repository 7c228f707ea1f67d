"""Functions that Athena has and that are refused here, and why; and names that Athena has not."""

from collections.abc import Mapping

_APPROXIMATE = (
    "its answer is an estimate, and another engine estimates otherwise",
    "Use the exact COUNT(DISTINCT x), or ROW_NUMBER for a place in the order.",
)
_FLOATING = (
    "its last digits depend on the engine and on the order in which rows are added",
    "",
)
_CHANCE = ("its answer is not the same twice", "")
_REGEXP = (
    "the engines read regular expressions differently",
    "Use LIKE, STRPOS, SPLIT or STARTS_WITH.",
)
_FORMATS = ("the engines read these formats differently", "Use CAST(x AS date) or DATE_FORMAT.")
_ZONES = ("only UTC is offered here", "")
_ANY_ROW = ("which row it takes is not defined", "Use MIN, MAX, MIN_BY or MAX_BY.")
_NESTED = ("the tables of a lake have no such values", "")

_REASONS: Mapping[tuple[str, str], str] = {
    _APPROXIMATE: """
        approx_distinct approx_most_frequent approx_percentile approx_set merge numeric_histogram
        qdigest_agg tdigest_agg value_at_quantile values_at_quantiles quantile_at_value
        empty_approx_set make_set_digest""",
    _FLOATING: """
        cbrt acos asin atan atan2 cos cosh cot degrees exp ln log log10 log2 pow power radians sin
        sinh tan tanh corr covar_pop covar_samp entropy geometric_mean kurtosis regr_intercept
        regr_slope skewness stddev stddev_pop stddev_samp variance var_pop var_samp
        cosine_similarity
        normal_cdf inverse_normal_cdf beta_cdf inverse_beta_cdf t_cdf t_pdf wilson_interval_lower
        wilson_interval_upper""",
    _CHANCE: "rand random uuid shuffle",
    _REGEXP: """
        regexp_count regexp_extract regexp_extract_all regexp_like regexp_position regexp_replace
        regexp_split""",
    _FORMATS: """
        date_parse format_datetime parse_datetime from_iso8601_date from_iso8601_timestamp to_char
        to_date to_timestamp to_iso8601 format format_number parse_duration human_readable_seconds
        parse_data_size""",
    _ZONES: """
        at_timezone with_timezone timezone timezone_hour timezone_minute current_timezone
        from_unixtime from_unixtime_nanos to_unixtime""",
    _ANY_ROW: "any_value arbitrary",
    _NESTED: """
        array_distinct array_except array_first array_histogram array_intersect array_join
        array_last
        array_max array_min array_position array_remove array_sort array_union arrays_overlap
        combinations contains contains_sequence filter flatten histogram json_array
        json_array_contains
        json_array_get json_array_length json_exists json_extract json_extract_scalar json_format
        json_object json_parse json_query json_size json_value map map_agg map_concat map_entries
        map_filter map_from_entries map_keys map_union map_values map_zip_with multimap_agg
        multimap_from_entries ngrams none_match all_match any_match reduce reduce_agg repeat row
        set_agg set_union slice split_to_map split_to_multimap transform transform_keys
        transform_values trim_array zip zip_with from_base from_base32 from_base64 from_hex
        from_big_endian_32 from_big_endian_64 from_utf8 to_base to_base32 to_base64 to_hex to_utf8
        to_big_endian_32 to_big_endian_64 md5 sha1 sha256 sha512 crc32 murmur3 xxhash64 hmac_md5
        hmac_sha1 hmac_sha256 hmac_sha512 checksum url_decode url_encode url_extract_fragment
        url_extract_host url_extract_parameter url_extract_path url_extract_port
        url_extract_protocol url_extract_query bar render rgb color st_point st_distance""",
    ("it is not offered here yet", ""): """
        bit_count bitwise_and bitwise_and_agg bitwise_left_shift bitwise_not bitwise_or
        bitwise_or_agg bitwise_right_shift bitwise_xor bitwise_xor_agg chr codepoint concat_ws
        current_user e infinity is_finite is_infinite is_nan
        hamming_distance levenshtein_distance localtime localtimestamp luhn_check millisecond
        nan normalize pi position reverse sign soundex translate truncate try typeof
        version width_bucket word_stem grouping strrpos""",
}

KNOWN: Mapping[str, tuple[str, str]] = {
    name: reason for reason, names in _REASONS.items() for name in names.split()
}
_HINTS = {
    "try": "Use TRY_CAST, or NULLIF for a divisor that may be 0.",
    "reverse": "",
    "position": "Use STRPOS.",
}
# What people of other engines look for, and what Athena has instead.
_INSTEAD = {
    "argmax": "MAX_BY", "arg_max": "MAX_BY", "argmin": "MIN_BY", "arg_min": "MIN_BY",
    "char_length": "LENGTH", "datediff": "DATE_DIFF", "dateadd": "DATE_ADD", "datesub": "DATE_DIFF",
    "date_part": "EXTRACT", "datepart": "EXTRACT", "dayofweek": "DAY_OF_WEEK",
    "dayofyear": "DAY_OF_YEAR", "dayofmonth": "DAY", "weekofyear": "WEEK", "isodow": "DAY_OF_WEEK",
    "ifnull": "COALESCE", "isnull": "COALESCE", "nvl": "COALESCE", "iff": "IF", "len": "LENGTH",
    "last_day": "LAST_DAY_OF_MONTH", "list": "ARRAY_AGG", "median": "ROW_NUMBER",
    "generate_series": "SEQUENCE", "range": "SEQUENCE", "string_agg": "LISTAGG",
    "group_concat": "LISTAGG", "strftime": "DATE_FORMAT", "string_split": "SPLIT",
    "str_split": "SPLIT", "getdate": "CURRENT_DATE", "today": "CURRENT_DATE",
    "quantile": "ROW_NUMBER",
    "first": "MIN_BY", "last": "MAX_BY", "mean": "AVG", "sumif": "SUM ... FILTER",
    "countif": "COUNT_IF", "to_days": "INTERVAL", "left": "SUBSTR", "right": "SUBSTR",
    "instr": "STRPOS", "date_sub": "DATE_DIFF", "ucase": "UPPER", "lcase": "LOWER",
    "list_contains": "STRPOS", "array_length": "CARDINALITY", "regexp_matches": "LIKE",
}  # fmt: skip


def why_not(name: str) -> tuple[str, str]:
    """Return why a function is refused, and what to use instead; both are sentences."""
    if name in KNOWN:
        reason, hint = KNOWN[name]
        return f"{name.upper()} is not offered here: {reason}.", _HINTS.get(name, hint)
    if name in _INSTEAD:
        return f"Athena has no function {name.upper()}.", f"Use {_INSTEAD[name]}."
    return f"Athena has no function {name.upper()}.", ""
