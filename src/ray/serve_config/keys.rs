//! The keys of a Serve config and the types of their values, as Ray's own models have them.
//!
//! Made by `python3 tests/serve_config/ask_ray.py table` from `ray.serve.schema.ServeDeploySchema` of the releases in
//! [`RELEASES`]; do not edit.

use super::kinds::{Field, Kind, Model, Number, Protocol, Releases, Typed, Whole};

/// The releases of Ray whose models were read, oldest first: the first is the lowest bit of [`Releases`].
pub const RELEASES: [&str; 6] = ["2.9.3", "2.20.0", "2.35.0", "2.46.0", "2.52.1", "2.60.0"];

/// The releases that read a config with pydantic 1, which converts more than pydantic 2.
pub const PYDANTIC_1: Releases = Releases(0b011111);

/// The protocols of the URIs in a `runtime_env`.
pub static PROTOCOLS: &[Protocol] = &[
    Protocol {
        name: "abfss",
        known: Releases(0b110000),
    },
    Protocol {
        name: "azure",
        known: Releases(0b110000),
    },
    Protocol {
        name: "conda",
        known: Releases(0b111111),
    },
    Protocol {
        name: "file",
        known: Releases(0b111111),
    },
    Protocol {
        name: "gcs",
        known: Releases(0b111111),
    },
    Protocol {
        name: "gs",
        known: Releases(0b111111),
    },
    Protocol {
        name: "http",
        known: Releases(0b100000),
    },
    Protocol {
        name: "https",
        known: Releases(0b111111),
    },
    Protocol {
        name: "local",
        known: Releases(0b100000),
    },
    Protocol {
        name: "pip",
        known: Releases(0b111111),
    },
    Protocol {
        name: "s3",
        known: Releases(0b111111),
    },
    Protocol {
        name: "uv",
        known: Releases(0b111000),
    },
];

/// The models, by name.
pub static MODELS: &[Model] = &[
    Model {
        name: "AutoscalingConfig",
        known: Releases(0b111111),
        forbids: Releases(0b000000),
        fields: &[
            Field {
                key: "aggregation_function",
                known: Releases(0b110000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b110000),
                    kind: Kind::OneOf(&[Kind::Str, Kind::Enum(&["max", "mean", "min"])]),
                }],
            },
            Field {
                key: "downscale_delay_s",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: Some(0.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "downscale_smoothing_factor",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
            Field {
                key: "downscale_to_zero_delay_s",
                known: Releases(0b110000),
                required: Releases(0b000000),
                nullable: Releases(0b110000),
                types: &[Typed {
                    known: Releases(0b110000),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: Some(0.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "downscaling_factor",
                known: Releases(0b111110),
                required: Releases(0b000000),
                nullable: Releases(0b111110),
                types: &[Typed {
                    known: Releases(0b111110),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
            Field {
                key: "initial_replicas",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::Lax,
                        least: Some(0.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "look_back_period_s",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
            Field {
                key: "max_replicas",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::Lax,
                        least: Some(1.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "metrics_interval_s",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
            Field {
                key: "min_replicas",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::Lax,
                        least: Some(0.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "policy",
                known: Releases(0b110000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b110000),
                    kind: Kind::Model("AutoscalingPolicy"),
                }],
            },
            Field {
                key: "smoothing_factor",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
            Field {
                key: "target_num_ongoing_requests_per_replica",
                known: Releases(0b000011),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b000011),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
            Field {
                key: "target_ongoing_requests",
                known: Releases(0b111110),
                required: Releases(0b000000),
                nullable: Releases(0b110010),
                types: &[Typed {
                    known: Releases(0b111110),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
            Field {
                key: "upscale_delay_s",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: Some(0.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "upscale_smoothing_factor",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
            Field {
                key: "upscaling_factor",
                known: Releases(0b111110),
                required: Releases(0b000000),
                nullable: Releases(0b111110),
                types: &[Typed {
                    known: Releases(0b111110),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
        ],
    },
    Model {
        name: "AutoscalingPolicy",
        known: Releases(0b110000),
        forbids: Releases(0b000000),
        fields: &[
            Field {
                key: "policy_function",
                known: Releases(0b110000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b110000),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "policy_kwargs",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Dict,
                }],
            },
        ],
    },
    Model {
        name: "BackpressureConfig",
        known: Releases(0b100000),
        forbids: Releases(0b100000),
        fields: &[
            Field {
                key: "retry_after_s",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b100000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: Some(0.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "status_code",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Any,
                }],
            },
        ],
    },
    Model {
        name: "ControllerOptions",
        known: Releases(0b100000),
        forbids: Releases(0b100000),
        fields: &[Field {
            key: "runtime_env",
            known: Releases(0b100000),
            required: Releases(0b000000),
            nullable: Releases(0b100000),
            types: &[Typed {
                known: Releases(0b100000),
                kind: Kind::Dict,
            }],
        }],
    },
    Model {
        name: "DeploymentActorConfig",
        known: Releases(0b100000),
        forbids: Releases(0b000000),
        fields: &[
            Field {
                key: "actor_class",
                known: Releases(0b100000),
                required: Releases(0b100000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "actor_options",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Dict,
                }],
            },
            Field {
                key: "init_args",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::List(&Kind::Any),
                }],
            },
            Field {
                key: "init_kwargs",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Dict,
                }],
            },
            Field {
                key: "name",
                known: Releases(0b100000),
                required: Releases(0b100000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Str,
                }],
            },
        ],
    },
    Model {
        name: "DeploymentSchema",
        known: Releases(0b111111),
        forbids: Releases(0b000000),
        fields: &[
            Field {
                key: "autoscaling_config",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Model("AutoscalingConfig"),
                }],
            },
            Field {
                key: "backpressure_config",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Model("BackpressureConfig"),
                }],
            },
            Field {
                key: "deployment_actors",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b100000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::List(&Kind::Model("DeploymentActorConfig")),
                }],
            },
            Field {
                key: "gang_scheduling_config",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b100000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Model("GangSchedulingConfig"),
                }],
            },
            Field {
                key: "graceful_shutdown_timeout_s",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: Some(0.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "graceful_shutdown_wait_loop_s",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: Some(0.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "health_check_period_s",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
            Field {
                key: "health_check_timeout_s",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
            Field {
                key: "logging_config",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Model("LoggingConfig"),
                }],
            },
            Field {
                key: "max_concurrent_queries",
                known: Releases(0b000011),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b000011),
                    kind: Kind::Number(Number {
                        whole: Whole::Lax,
                        least: Some(1.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "max_ongoing_requests",
                known: Releases(0b111110),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111110),
                    kind: Kind::Number(Number {
                        whole: Whole::Lax,
                        least: Some(1.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "max_queued_requests",
                known: Releases(0b111110),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111110),
                    kind: Kind::Number(Number {
                        whole: Whole::Strict,
                        least: None,
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "max_replicas_per_node",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::Lax,
                        least: None,
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "max_surge_percent",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Number(Number {
                        whole: Whole::Lax,
                        least: Some(0.0),
                        above: None,
                        most: Some(100.0),
                    }),
                }],
            },
            Field {
                key: "name",
                known: Releases(0b111111),
                required: Releases(0b111111),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "num_replicas",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[
                    Typed {
                        known: Releases(0b000001),
                        kind: Kind::Number(Number {
                            whole: Whole::Lax,
                            least: Some(1.0),
                            above: None,
                            most: None,
                        }),
                    },
                    Typed {
                        known: Releases(0b111110),
                        kind: Kind::OneOf(&[
                            Kind::Number(Number {
                                whole: Whole::Lax,
                                least: Some(1.0),
                                above: None,
                                most: None,
                            }),
                            Kind::Str,
                        ]),
                    },
                ],
            },
            Field {
                key: "placement_group_bundle_label_selector",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::List(&Kind::Map(&Kind::Str)),
                }],
            },
            Field {
                key: "placement_group_bundles",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::List(&Kind::Map(&Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: None,
                        most: None,
                    }))),
                }],
            },
            Field {
                key: "placement_group_strategy",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "ray_actor_options",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Model("RayActorOptionsSchema"),
                }],
            },
            Field {
                key: "request_router_config",
                known: Releases(0b110000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b110000),
                    kind: Kind::Model("RequestRouterConfig"),
                }],
            },
            Field {
                key: "rolling_update_percentage",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: Some(1.0),
                    }),
                }],
            },
            Field {
                key: "route_prefix",
                known: Releases(0b000111),
                required: Releases(0b000000),
                nullable: Releases(0b000111),
                types: &[Typed {
                    known: Releases(0b000111),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "user_config",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Dict,
                }],
            },
        ],
    },
    Model {
        name: "GangSchedulingConfig",
        known: Releases(0b100000),
        forbids: Releases(0b000000),
        fields: &[
            Field {
                key: "gang_placement_strategy",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Enum(&["PACK", "SPREAD"]),
                }],
            },
            Field {
                key: "gang_size",
                known: Releases(0b100000),
                required: Releases(0b100000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Number(Number {
                        whole: Whole::Lax,
                        least: Some(1.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "runtime_failure_policy",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Enum(&["RESTART_GANG", "RESTART_REPLICA"]),
                }],
            },
        ],
    },
    Model {
        name: "HTTPOptionsSchema",
        known: Releases(0b111111),
        forbids: Releases(0b000000),
        fields: &[
            Field {
                key: "host",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "keep_alive_timeout_s",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::Lax,
                        least: None,
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "port",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::Lax,
                        least: None,
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "request_timeout_s",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "root_path",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "ssl_ca_certs",
                known: Releases(0b110000),
                required: Releases(0b000000),
                nullable: Releases(0b110000),
                types: &[Typed {
                    known: Releases(0b110000),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "ssl_certfile",
                known: Releases(0b110000),
                required: Releases(0b000000),
                nullable: Releases(0b110000),
                types: &[Typed {
                    known: Releases(0b110000),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "ssl_keyfile",
                known: Releases(0b110000),
                required: Releases(0b000000),
                nullable: Releases(0b110000),
                types: &[Typed {
                    known: Releases(0b110000),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "ssl_keyfile_password",
                known: Releases(0b110000),
                required: Releases(0b000000),
                nullable: Releases(0b110000),
                types: &[Typed {
                    known: Releases(0b110000),
                    kind: Kind::Str,
                }],
            },
        ],
    },
    Model {
        name: "LoggingConfig",
        known: Releases(0b111111),
        forbids: Releases(0b111111),
        fields: &[
            Field {
                key: "additional_log_standard_attrs",
                known: Releases(0b111000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111000),
                    kind: Kind::List(&Kind::Str),
                }],
            },
            Field {
                key: "enable_access_log",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Bool,
                }],
            },
            Field {
                key: "encoding",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::OneOf(&[Kind::Str, Kind::Enum(&["JSON", "TEXT"])]),
                }],
            },
            Field {
                key: "log_level",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::OneOf(&[
                        Kind::Number(Number {
                            whole: Whole::Lax,
                            least: None,
                            above: None,
                            most: None,
                        }),
                        Kind::Str,
                    ]),
                }],
            },
            Field {
                key: "logs_dir",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Str,
                }],
            },
        ],
    },
    Model {
        name: "RayActorOptionsSchema",
        known: Releases(0b111111),
        forbids: Releases(0b000000),
        fields: &[
            Field {
                key: "accelerator_type",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "fallback_strategy",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b100000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::List(&Kind::Dict),
                }],
            },
            Field {
                key: "label_selector",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b100000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Map(&Kind::Str),
                }],
            },
            Field {
                key: "memory",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: Some(0.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "num_cpus",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: Some(0.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "num_gpus",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: Some(0.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "object_store_memory",
                known: Releases(0b000011),
                required: Releases(0b000000),
                nullable: Releases(0b000011),
                types: &[Typed {
                    known: Releases(0b000011),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: Some(0.0),
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "resources",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Dict,
                }],
            },
            Field {
                key: "runtime_env",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Dict,
                }],
            },
        ],
    },
    Model {
        name: "RequestRouterConfig",
        known: Releases(0b110000),
        forbids: Releases(0b000000),
        fields: &[
            Field {
                key: "backoff_multiplier",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
            Field {
                key: "initial_backoff_s",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
            Field {
                key: "max_backoff_s",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
            Field {
                key: "request_router_class",
                known: Releases(0b110000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b110000),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "request_router_kwargs",
                known: Releases(0b110000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b110000),
                    kind: Kind::Dict,
                }],
            },
            Field {
                key: "request_routing_stats_period_s",
                known: Releases(0b110000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b110000),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
            Field {
                key: "request_routing_stats_timeout_s",
                known: Releases(0b110000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b110000),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: Some(0.0),
                        most: None,
                    }),
                }],
            },
        ],
    },
    Model {
        name: "ServeApplicationSchema",
        known: Releases(0b111111),
        forbids: Releases(0b000000),
        fields: &[
            Field {
                key: "args",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Dict,
                }],
            },
            Field {
                key: "autoscaling_policy",
                known: Releases(0b110000),
                required: Releases(0b000000),
                nullable: Releases(0b110000),
                types: &[Typed {
                    known: Releases(0b110000),
                    kind: Kind::Dict,
                }],
            },
            Field {
                key: "deployments",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::List(&Kind::Model("DeploymentSchema")),
                }],
            },
            Field {
                key: "external_scaler_enabled",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Bool,
                }],
            },
            Field {
                key: "host",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "import_path",
                known: Releases(0b111111),
                required: Releases(0b111111),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "logging_config",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Model("LoggingConfig"),
                }],
            },
            Field {
                key: "name",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "port",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::Lax,
                        least: None,
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "route_prefix",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "runtime_env",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Dict,
                }],
            },
        ],
    },
    Model {
        name: "ServeDeploySchema",
        known: Releases(0b111111),
        forbids: Releases(0b000000),
        fields: &[
            Field {
                key: "applications",
                known: Releases(0b111111),
                required: Releases(0b111111),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::List(&Kind::Model("ServeApplicationSchema")),
                }],
            },
            Field {
                key: "controller_options",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b100000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Model("ControllerOptions"),
                }],
            },
            Field {
                key: "grpc_options",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Model("gRPCOptionsSchema"),
                }],
            },
            Field {
                key: "http_options",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Model("HTTPOptionsSchema"),
                }],
            },
            Field {
                key: "logging_config",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Model("LoggingConfig"),
                }],
            },
            Field {
                key: "proxy_location",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Enum(&["Disabled", "EveryNode", "HeadOnly"]),
                }],
            },
            Field {
                key: "target_capacity",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b111111),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: Some(0.0),
                        above: None,
                        most: Some(100.0),
                    }),
                }],
            },
            Field {
                key: "tracing_config",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b100000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Model("TracingConfig"),
                }],
            },
        ],
    },
    Model {
        name: "TracingConfig",
        known: Releases(0b100000),
        forbids: Releases(0b100000),
        fields: &[
            Field {
                key: "enabled",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Bool,
                }],
            },
            Field {
                key: "exporter_import_path",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Str,
                }],
            },
            Field {
                key: "sampling_ratio",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: None,
                        most: None,
                    }),
                }],
            },
        ],
    },
    Model {
        name: "gRPCOptionsSchema",
        known: Releases(0b111111),
        forbids: Releases(0b000000),
        fields: &[
            Field {
                key: "enable_reflection",
                known: Releases(0b100000),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b100000),
                    kind: Kind::Bool,
                }],
            },
            Field {
                key: "grpc_servicer_functions",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::List(&Kind::Str),
                }],
            },
            Field {
                key: "port",
                known: Releases(0b111111),
                required: Releases(0b000000),
                nullable: Releases(0b000000),
                types: &[Typed {
                    known: Releases(0b111111),
                    kind: Kind::Number(Number {
                        whole: Whole::Lax,
                        least: None,
                        above: None,
                        most: None,
                    }),
                }],
            },
            Field {
                key: "request_timeout_s",
                known: Releases(0b111000),
                required: Releases(0b000000),
                nullable: Releases(0b111000),
                types: &[Typed {
                    known: Releases(0b111000),
                    kind: Kind::Number(Number {
                        whole: Whole::No,
                        least: None,
                        above: None,
                        most: None,
                    }),
                }],
            },
        ],
    },
];
